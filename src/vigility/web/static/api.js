/** The HTTP API. Each failure is an ApiError with a sentence that can be shown. */

/** @typedef {{id: number, username: string, age: number, gender: string}} User */
/** @typedef {{feature: string, count: number}} Bar */
/** @typedef {{date: string, count: number}} Point one a day, ascending */

export class ApiError extends Error {
	/** @param {number} status 0: no answer @param {number} retryAfter seconds; NaN: not said */
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

export const login = async (fields) => (await request("/login", { body: fields })).user;

export const register = async (fields) => (await request("/register", { body: fields })).user;

export const logout = () => request("/logout", { body: {} });

/** Outlives the page, should that be left meanwhile. @param {{event_id: string, feature_name: string}} event */
export const track = (event) => request("/track", { body: event, keepalive: true });

/** @returns {Promise<{barChartData: Bar[], lineChartData: Point[]}>} */
export const analytics = (query, signal) => request(`/analytics?${query}`, { signal });

async function request(path, { body = null, signal = null, keepalive = false } = {}) {
	const limit = AbortSignal.timeout(15_000);
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
		throw new ApiError(0, "The server cannot be reached");
	}
	let error = "The server gave no proper answer";
	try {
		const body = JSON.parse(answer);
		if (response.ok) return body;
		error = String(body.error);
	} catch {} // not JSON: it comes from something between here and the server
	// In seconds; proxies may send a date, which is not read.
	const retryAfter = parseInt(response.headers.get("Retry-After"));
	throw new ApiError(response.ok ? 502 : response.status, error, retryAfter);
}
