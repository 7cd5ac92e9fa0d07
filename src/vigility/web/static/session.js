/**
 * Whom the page shows. Tabs share cookies, and another tab may have signed in as somebody else. So each
 * request checks before and after that the browser is still signed in as that user.
 */

import * as api from "./api.js";
import { readCookie, writeCookie } from "./dom.js";

/** A request was not made, or its answer must not be shown: the user is another now. */
export class SessionChanged extends Error {}

/** The user of whom the server last told this browser, in any tab. */
export function userInCookie() {
	const user = readCookie("user_data");
	return Number.isInteger(user?.id) && typeof user.username === "string" ? user : null;
}

export class Session {
	/** @type {api.User | null} */
	user = null;

	/** @param {() => void} onEnd called once a session @param {(user: api.User) => void} onSwitch another user is here */
	constructor(onEnd, onSwitch) {
		this.onEnd = onEnd;
		this.onSwitch = onSwitch;
	}

	/** @param {api.User | null} user */
	begin(user) {
		this.user = user && { ...user }; // a new object: it also tells one session from the next
	}

	end() {
		this.begin(null);
		writeCookie("user_data", null, 0); // which would promise a session
		this.onEnd();
	}

	/** Whether the cookie names the shown user. */
	get agrees() {
		return this.user !== null && userInCookie()?.id === this.user.id;
	}

	/** Whether the shown user is signed in; else the listeners are told. Throws ApiError where nobody answers. */
	check = async () => this.agrees || this.confirm();

	/** The same, as the server sees it. */
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

	/** Make a request in the name of the shown user. @template T @param {() => Promise<T>} request */
	async call(request) {
		const shown = this.user;
		if (!(await this.check())) throw new SessionChanged();
		try {
			const answer = await request();
			if (shown === this.user && (await this.check())) return answer;
		} catch (error) {
			if (shown === this.user && error.status !== 401) throw error;
			if (shown === this.user) this.end();
		}
		throw new SessionChanged();
	}
}
