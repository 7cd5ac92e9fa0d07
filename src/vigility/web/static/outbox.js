/**
 * Sends events in order, and again until the server takes them. Each has an id, so one sent twice counts once.
 * The tab's storage keeps them for each user, so neither a reload nor the end of a session loses any.
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
	 * @param {number} userId @param {(event: any) => Promise<unknown>} send rejects with an ApiError; any other error stops
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

	/** How many events wait because sending one failed. */
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

	/** Resolves when all are sent, sending one failed, or the time is up. */
	settled(ms) {
		return new Promise((resolve) => {
			this.#settled.push(resolve);
			if (!this.events.length || this.#failures || this.#closed) this.#release();
			setTimeout(resolve, ms);
		});
	}

	/** Stop sending. The rest stays in the storage. */
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
			if (error.temporary) return this.#pause(error.retryAfter);
			this.onRefused(error);
		}
		if (this.#closed) return; // another outbox may have them by now
		this.events.shift();
		this.#failures = 0;
		this.#store();
		this.onChange();
	}

	async #pause(retryAfter) {
		const longest = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures++, 30_000);
		this.#release();
		this.onChange();
		// Random, so that not all pages retry at once.
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
		} catch {} // full or forbidden: then a reload loses them
	}
}

function stored(key) {
	try {
		return JSON.parse(sessionStorage.getItem(key) ?? "[]");
	} catch {
		return [];
	}
}

/** A UUID. crypto.randomUUID exists only on pages served over HTTPS. */
function uuid() {
	const bytes = crypto.getRandomValues(new Uint8Array(16));
	bytes[6] = (bytes[6] & 0x0f) | 0x40;
	bytes[8] = (bytes[8] & 0x3f) | 0x80;
	const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
	return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
