/** The HTTP API. Every failure is an ApiError whose message can be shown. */

/** @typedef {{id: number, username: string, age: number, gender: string}} User */
/** @typedef {{feature: string, count: number}} Bar */
/** @typedef {{date: string, count: number}} Point one a day, ascending */

export class ApiError extends Error {
	/** @param {number} status 0: no response @param {number} retryAfter seconds; NaN: unknown */
	constructor(status, sentence, retryAfter = NaN) {
		super(sentence);
		this.status = status;
		this.retryAfter = retryAfter;
	}

	/** Whether the same request may succeed later. */
	get temporary() {
		return [0, 408, 425, 429].includes(this.status) || this.status >= 500;
	}
}

/** The user who is signed in. @returns {Promise<User>} */
export const me = async () => (await request("/me")).user;

export const login = async (fields) => (await request("/login", { body: fields })).user;

export const register = async (fields) => (await request("/register", { body: fields })).user;

export const logout = () => request("/logout", { body: {} });

/** The request survives leaving the page. @param {{event_id: string, feature_name: string}} event */
export const track = (event) => request("/track", { body: event, keepalive: true });

/** @returns {Promise<{barChartData: Bar[], lineChartData: Point[]}>} */
export const analytics = (query, signal) => request(`/analytics?${query}`, { signal });

async function request(path, { body = null, signal = null, keepalive = false } = {}) {
	const limit = AbortSignal.timeout(15_000);
	let response, text;
	try {
		response = await fetch(path, {
			method: body ? "POST" : "GET",
			headers: body ? { "Content-Type": "application/json" } : {},
			body: body && JSON.stringify(body),
			signal: signal ? AbortSignal.any([signal, limit]) : limit,
			cache: "no-store",
			keepalive,
		});
		text = await response.text();
	} catch {
		throw new ApiError(0, "The server cannot be reached");
	}
	let error = "The server sent an invalid response";
	try {
		const body = JSON.parse(text);
		if (response.ok) return body;
		error = String(body.error);
	} catch {} // not JSON: something between here and the server sent it
	// In seconds. A proxy may send a date, which is ignored.
	const retryAfter = parseInt(response.headers.get("Retry-After"));
	throw new ApiError(response.ok ? 502 : response.status, error, retryAfter);
}
