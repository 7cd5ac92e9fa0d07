/** The cookies that scripts may read. */

/** The value of a cookie that holds JSON, or null. @param {string} name @returns {any} */
export function readCookie(name) {
	const start = `${name}=`;
	const found = document.cookie.split("; ").find((part) => part.startsWith(start));
	try {
		return JSON.parse(decodeURIComponent(found?.slice(start.length) ?? "null"));
	} catch {
		return null; // cut off
	}
}

/** Keep a value for some seconds; 0 deletes it. @param {string} name @param {unknown} value @param {number} seconds */
export function writeCookie(name, value, seconds) {
	const secure = location.protocol === "https:" ? "; Secure" : "";
	const text = encodeURIComponent(JSON.stringify(value));
	document.cookie = `${name}=${text}; Path=/; Max-Age=${seconds}; SameSite=Lax${secure}`;
}
