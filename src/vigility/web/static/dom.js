/** Elements and cookies. Text only ever becomes text nodes, so that no name becomes markup. */

/** @param {...(Node | string)} children */
export function html(tag, attributes = {}, ...children) {
	return filled(document.createElement(tag), attributes, children);
}

/** @param {...(Node | string)} children */
export function svg(tag, attributes = {}, ...children) {
	return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

export function set(element, attributes) {
	for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

/** Listen to events. @param {object} handlers by event */
export function on(target, handlers) {
	for (const [name, handler] of Object.entries(handlers)) target.addEventListener(name, handler);
	return target;
}

export const byId = (id) => document.getElementById(id);

/** Show a copy of a template. */
export function showView(id, title) {
	document.title = `${title} · vigility`;
	document.querySelector("main").replaceChildren(byId(id).content.cloneNode(true));
}

/** The value of a cookie that holds JSON, or null. */
export function readCookie(name) {
	const start = `${name}=`;
	const found = document.cookie.split("; ").find((part) => part.startsWith(start));
	try {
		return JSON.parse(decodeURIComponent(found?.slice(start.length) ?? "null"));
	} catch {
		return null; // truncated
	}
}

/** Keep a value for some seconds; 0 deletes it. */
export function writeCookie(name, value, seconds) {
	const secure = location.protocol === "https:" ? "; Secure" : "";
	const text = encodeURIComponent(JSON.stringify(value));
	document.cookie = `${name}=${text}; Path=/; Max-Age=${seconds}; SameSite=Lax${secure}`;
}

/** Let the user save a file. */
export function download(blob, name) {
	const href = URL.createObjectURL(blob);
	html("a", { href, download: name }).click();
	setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

function filled(element, attributes, children) {
	set(element, attributes);
	element.append(...children);
	return element;
}
