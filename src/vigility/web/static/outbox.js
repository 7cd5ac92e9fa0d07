/**
 * Events on their way to the server: in order, again until taken. Each has an id, so one sent twice counts once.
 * The tab's storage keeps them, by user: a reload loses none, nor does the end of a session.
 */

import { ApiError } from "./api.js";
import { on } from "./dom.js";

const FIRST_PAUSE_MS = 500; // doubled with each failure, up to half a minute

export class Outbox {
	#failures = 0;
	#sending = false;
	#closed = false;
	#settled = [];
	#wake = () => {};

	/**
	 * @param {number} userId @param {(event: any) => Promise<unknown>} send rejects with ApiError, or else to stop
	 * @param {() => void} onChange @param {(error: ApiError) => void} onRefused
	 */
	constructor(userId, send, onChange, onRefused) {
		this.key = `vigility_outbox_${userId}`;
		this.send = send;
		this.onChange = onChange;
		this.onRefused = onRefused;
		this.events = stored(this.key);
		on(window, { online: this.#online });
		this.#run();
	}

	/** How many events wait because the server did not take one. */
	get late() {
		return this.#failures && this.events.length;
	}

	/** @param {string[]} features */
	add(features) {
		this.events.push(...features.map((feature_name) => ({ event_id: uuid(), feature_name })));
		this.#store();
		this.onChange();
		this.#run();
	}

	/** Resolves when all is sent, an event was not taken, or the time is over. */
	settled(ms) {
		return new Promise((resolve) => {
			this.#settled.push(resolve);
			if (!this.events.length || this.#failures || this.#closed) this.#release();
			setTimeout(resolve, ms);
		});
	}

	/** Stop sending. What is left stays stored. */
	close() {
		this.#closed = true;
		removeEventListener("online", this.#online);
		this.#wake();
	}

	#online = () => this.#wake();

	async #run() {
		if (this.#sending) return;
		this.#sending = true;
		while (this.events.length && !this.#closed) await this.#sendFirst();
		this.#sending = false;
		this.#release();
	}

	async #sendFirst() {
		try {
			await this.send(this.events[0]);
		} catch (error) {
			if (!(error instanceof ApiError)) return this.close();
			if (error.passing) return this.#pause(error.retryAfter);
			this.onRefused(error);
		}
		if (this.#closed) return; // another outbox may hold them by now
		this.events.shift();
		this.#failures = 0;
		this.#store();
		this.onChange();
	}

	async #pause(retryAfter) {
		const longest = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures++, 30_000);
		this.#release();
		this.onChange();
		// Spread, lest all pages come back at once.
		const pause = (retryAfter >= 0 ? retryAfter * 1000 : longest / 2) + (Math.random() * longest) / 2;
		await new Promise((resolve) => {
			setTimeout(resolve, pause);
			this.#wake = () => (this.#closed || !(retryAfter >= 0)) && resolve(null);
		});
	}

	#release() {
		for (const resolve of this.#settled.splice(0)) resolve();
	}

	#store() {
		try {
			sessionStorage.setItem(this.key, JSON.stringify(this.events));
		} catch {} // full or forbidden: only a reload would lose them
	}
}

function stored(key) {
	try {
		return JSON.parse(sessionStorage.getItem(key) ?? "[]");
	} catch {
		return [];
	}
}

/** A UUID; crypto has one of its own only for pages that came by HTTPS. */
function uuid() {
	const bytes = crypto.getRandomValues(new Uint8Array(16));
	bytes[6] = (bytes[6] & 0x0f) | 0x40;
	bytes[8] = (bytes[8] & 0x3f) | 0x80;
	const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
	return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
