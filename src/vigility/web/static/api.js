/** The HTTP API. Each failure is an ApiError with a sentence that can be shown. */

const LIMIT_MS = 15_000;

/** @typedef {{id: number, username: string, age: number, gender: string}} User */
/** @typedef {{feature: string, count: number}} Bar */
/** @typedef {{date: string, count: number}} Point one a day, ascending */
/** @typedef {{barChartData: Bar[], lineChartData: Point[]}} Report */
/** @typedef {{event_id: string, feature_name: string}} TrackedEvent */

export class ApiError extends Error {
	/** @param {number} status 0: no answer @param {string} sentence @param {number} retryAfter seconds; NaN: not said */
	constructor(status, sentence, retryAfter = NaN) {
		super(sentence);
		this.status = status;
		this.retryAfter = retryAfter;
	}

	/** Whether the same request may succeed later. */
	get passing() {
		return [0, 408, 425, 429].includes(this.status) || this.status >= 500;
	}
}

/** Who is signed in here. @returns {Promise<User>} */
export const me = async () => (await request("/me")).user;

/** @param {object} fields @returns {Promise<User>} */
export const login = async (fields) => (await request("/login", { body: fields })).user;

/** @param {object} fields @returns {Promise<User>} */
export const register = async (fields) => (await request("/register", { body: fields })).user;

export const logout = () => request("/logout", { body: {} });

/** The request outlives the page, should that be left meanwhile. @param {TrackedEvent} event */
export const track = (event) => request("/track", { body: event, keepalive: true });

/** @param {URLSearchParams} query @param {AbortSignal} signal @returns {Promise<Report>} */
export const analytics = (query, signal) => request(`/analytics?${query}`, { signal });

async function request(path, { body = null, signal = null, keepalive = false } = {}) {
	const limit = AbortSignal.timeout(LIMIT_MS);
	let response, answer;
	try {
		response = await fetch(path, {
			method: body ? "POST" : "GET",
			headers: body ? { "Content-Type": "application/json" } : {},
			body: body && JSON.stringify(body),
			signal: signal ? AbortSignal.any([signal, limit]) : limit,
			cache: "no-store",
			keepalive,
		});
		answer = await response.text();
	} catch {
		throw new ApiError(0, limit.aborted ? "The server takes too long" : "The server cannot be reached");
	}
	const { ok, status } = response;
	try {
		answer = JSON.parse(answer);
	} catch {
		throw new ApiError(ok ? 502 : status, "The server gave no proper answer", wait(response));
	}
	if (!ok) throw new ApiError(status, String(answer.error), wait(response));
	return answer;
}

/** Seconds that the server asks to wait. */
function wait(response) {
	const said = response.headers.get("Retry-After");
	if (!said) return NaN;
	return /^\d+$/.test(said) ? +said : Math.max(0, (Date.parse(said) - Date.now()) / 1000);
}
