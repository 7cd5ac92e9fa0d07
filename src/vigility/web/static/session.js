/**
 * The user whose dashboard is shown. Tabs share cookies, so another tab may sign in as another user: each
 * request checks before and after that the user is the same.
 */

import * as api from "./api.js";
import { readCookie, writeCookie } from "./dom.js";

/** A request was not made, or its response must not be shown, because the user has changed. */
export class SessionChanged extends Error {}

/** The user in the cookie that the server last set, in any tab. */
export function userInCookie() {
	const user = readCookie("user_data");
	return Number.isInteger(user?.id) && typeof user.username === "string" ? user : null;
}

export class Session {
	/** @type {api.User | null} */
	user = null;

	/** @param {() => void} onEnd called once a session @param {(user: api.User) => void} onSwitch another user signed in */
	constructor(onEnd, onSwitch) {
		this.onEnd = onEnd;
		this.onSwitch = onSwitch;
	}

	/** @param {api.User | null} user */
	begin(user) {
		this.user = user && { ...user }; // a new object, which tells one session from the next
	}

	end() {
		this.begin(null);
		// Only ours, which would suggest a session.
		if (userInCookie()) writeCookie("user_data", null, 0);
		this.onEnd();
	}

	/** Whether the cookie names the shown user. */
	get agrees() {
		return this.user !== null && userInCookie()?.id === this.user.id;
	}

	/** Whether the shown user is signed in; if not, calls the listeners. Throws ApiError without a response. */
	check = async () => this.agrees || this.confirm();

	/** The same, but asks the server. */
	async confirm() {
		const shown = this.user;
		if (!shown) return false;
		const found = await api.me().catch((error) => {
			if (error.status !== 401) throw error;
			return null;
		});
		if (shown !== this.user) return false;
		if (found?.id === shown.id) return true;
		if (found) this.onSwitch(found);
		else this.end();
		return false;
	}

	/** Make a request as the shown user. @template T @param {() => Promise<T>} request */
	async call(request) {
		const shown = this.user;
		if (!(await this.check())) throw new SessionChanged();
		try {
			const result = await request();
			if (shown === this.user && (await this.check())) return result;
		} catch (error) {
			if (shown === this.user && error.status !== 401) throw error;
			if (shown === this.user) this.end();
		}
		throw new SessionChanged();
	}
}
