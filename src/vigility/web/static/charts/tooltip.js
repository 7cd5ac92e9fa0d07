/** A label beside the pointer. Only visual: the charts' own labels have the same text. */

import { html, on } from "../dom.js";

const GAP = 12;

export class Tooltip {
	/** @param {HTMLElement} host within which the label stays */
	constructor(host) {
		this.host = host;
		this.box = html("div", { class: "tooltip", "aria-hidden": "true", hidden: "" });
		host.append(this.box);
		on(host, { keydown: (event) => event.key === "Escape" && this.hide() });
	}

	/** @param {number} x in the window */
	show(x, y, title, text) {
		this.box.replaceChildren(html("strong", {}, title), html("span", {}, text));
		this.box.hidden = false;
		const room = this.host.getBoundingClientRect();
		const { width, height } = this.box.getBoundingClientRect();
		const right = x - room.left + GAP;
		const left = right + width <= room.width ? right : Math.max(0, right - 2 * GAP - width);
		const top = Math.max(0, y - room.top - height - GAP);
		this.box.style.transform = `translate(${left}px, ${top}px)`;
	}

	hide() {
		this.box.hidden = true;
	}
}
