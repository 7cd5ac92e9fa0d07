/** A chart as a table, made when it is opened. */

import { inWords } from "../dates.js";
import { html, on } from "../dom.js";

const MOST_ROWS = 5_000; // a browser takes a second for them

export class ChartTable {
	/** @param {HTMLDetailsElement} details @param {string} thing what a row is about */
	constructor(details, thing) {
		this.details = details;
		this.thing = thing;
		this.scroller = html("div", { class: "table", tabindex: 0, role: "region" });
		details.append(this.scroller);
		on(details, { toggle: () => this.#draw() });
	}

	/** @param {string} caption @param {[string, number][]} rows */
	show(caption, rows) {
		this.caption = caption;
		this.rows = rows;
		this.details.hidden = !rows.length;
		this.#draw();
	}

	#draw() {
		if (!this.details.open) return;
		const shown = this.rows.slice(-MOST_ROWS);
		const note = shown.length < this.rows.length ? `; the last ${inWords(MOST_ROWS)}, the export has all` : "";
		const head = [this.thing, "Clicks"].map((name) => html("th", { scope: "col" }, name));
		const body = shown.map(([name, count]) =>
			html("tr", {}, html("th", { scope: "row" }, name), html("td", {}, inWords(count))),
		);
		this.scroller.setAttribute("aria-label", this.caption);
		this.scroller.replaceChildren(
			html(
				"table",
				{},
				html("caption", {}, this.caption + note),
				html("thead", {}, html("tr", {}, ...head)),
				html("tbody", {}, ...body),
			),
		);
	}
}
