/** Making elements. Text only ever becomes text nodes, so no name becomes markup. */

/** @param {string} tag @param {object} [attributes] @param {...(Node | string)} children @returns {any} */
export function html(tag, attributes = {}, ...children) {
	return filled(document.createElement(tag), attributes, children);
}

/** @param {string} tag @param {object} [attributes] @param {...(Node | string)} children */
export function svg(tag, attributes = {}, ...children) {
	return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/** @param {Element} element @param {object} attributes */
export function set(element, attributes) {
	for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

/** Listen to events. @param {any} target @param {object} handlers by event */
export function on(target, handlers) {
	for (const [name, handler] of Object.entries(handlers)) target.addEventListener(name, handler);
	return target;
}

/** @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);

/** Show a copy of a template. @param {string} id @param {string} title */
export function showView(id, title) {
	document.title = `${title} · vigility`;
	document.querySelector("main").replaceChildren(byId(id).content.cloneNode(true));
}

/** Give the visitor a file. @param {Blob} blob @param {string} name */
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
