/** A chart as a table, created when it is opened. */

import { inWords } from "../dates.js";
import { html, on } from "../dom.js";

export class ChartTable {
	/** @param {string} thing what a row is about */
	constructor(details, thing) {
		this.details = details;
		this.thing = thing;
		this.scroller = html("div", { class: "table", tabindex: 0, role: "region", "aria-label": `${thing} table` });
		details.append(this.scroller);
		on(details, { toggle: () => this.#draw() });
	}

	/** @param {[string, number][]} rows */
	show(caption, rows) {
		this.caption = caption;
		this.rows = rows;
		this.details.hidden = !rows.length;
		this.#draw();
	}

	#draw() {
		if (!this.details.open) return;
		const head = [this.thing, "Events"].map((name) => html("th", { scope: "col" }, name));
		const body = this.rows.map(([name, count]) => {
			return html("tr", {}, html("th", { scope: "row" }, name), html("td", {}, inWords(count)));
		});
		const parts = [html("caption", {}, this.caption), html("thead", {}, html("tr", {}, ...head)), html("tbody", {}, ...body)];
		this.scroller.replaceChildren(html("table", {}, ...parts));
	}
}
