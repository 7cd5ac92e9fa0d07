/** The filter controls, and the active filters as chips. */

import { byId, html, on } from "./dom.js";
import { active, filtersOf, NO_FILTERS } from "./filters.js";

/** @typedef {import("./filters.js").Filters} Filters */

const TYPING_MS = 700; // longer than the pause between two digits of a date

export class FilterBar {
	#timer = 0;

	/** @param {(before: Filters, after: Filters) => void} onChange called after a change */
	constructor(filters, onChange) {
		this.filters = NO_FILTERS;
		this.onChange = () => {};
		this.form = byId("filters");
		on(this.form, {
			input: (event) => this.#edited(event.target),
			focusout: () => this.finish(),
			keydown: (event) => event.key === "Enter" && this.finish(),
			reset: (event) => (event.preventDefault(), this.change(NO_FILTERS)),
		});
		this.change(filters);
		this.onChange = onChange;
	}

	change(filters) {
		for (const name in filters) this.form.elements[name].value = filters[name];
		this.finish();
	}

	close() {
		clearTimeout(this.#timer);
		this.onChange = () => {};
	}

	#edited(input) {
		clearTimeout(this.#timer);
		if (input.type !== "date") this.finish();
		// 0002-09-23 is on the way to 2026-09-23, so it counts only when the field is left.
		else if (!input.value.startsWith("0")) this.#timer = setTimeout(() => this.finish(), TYPING_MS);
	}

	/** Apply the change that is being made. */
	finish() {
		clearTimeout(this.#timer);
		const before = this.filters;
		const after = filtersOf(Object.fromEntries(new FormData(this.form)));
		if (JSON.stringify(before) === JSON.stringify(after)) return;
		this.filters = after;
		this.#show();
		this.onChange(before, after);
	}

	#show() {
		const { startDate, endDate } = this.filters;
		const reversed = startDate && endDate && startDate > endDate;
		byId("days-error").textContent = reversed ? "Start Date is after End Date: no day lies between them." : "";
		byId("chips").replaceChildren(...active(this.filters).map((filter) => html("li", {}, this.#chip(filter))));
	}

	#chip({ name, words }) {
		return on(chipButton(html("button", { class: "chip" }), "Remove filter", words), {
			click: () => {
				this.change({ ...this.filters, [name]: "" });
				// The chip is gone: keep the focus near for keyboards.
				(byId("chips").querySelector("button") ?? this.form.elements[name]).focus();
			},
		});
	}
}

/** Fill a button that removes something. @param {string} verb only for screen readers */
export function chipButton(button, verb, name) {
	const cross = html("span", { class: "cross", "aria-hidden": "true" }, "×");
	button.replaceChildren(html("span", { class: "hidden" }, `${verb} `), html("span", { class: "cut" }, name), cross);
	return button;
}
