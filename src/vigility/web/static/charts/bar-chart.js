/**
 * Horizontal bars, one a feature: a list to choose from, by click or by the arrow keys and Enter.
 *
 *     const chart = new BarChart(host, "Feature Usage", (feature) => …);
 *     chart.show([{ feature: "date_filter", count: 12 }], "date_filter");
 */

import { counted, inWords } from "../dates.js";
import { html, on, set, svg } from "../dom.js";
import { fitted, widthOf } from "./scales.js";
import { Tooltip } from "./tooltip.js";

/** @typedef {import("../api.js").Bar} Bar */

const NARROW = 420; // below it a name stands above its bar
const PAD = 10;
const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };

export class BarChart {
	#bars = [];
	#rows = new Map();
	#chosen = "";
	#active = ""; // the bar that keys act on

	/** @param {HTMLElement} host @param {string} label @param {(feature: string) => void} onChoose */
	constructor(host, label, onChoose) {
		this.onChoose = onChoose;
		this.svg = svg("svg", { role: "listbox", "aria-label": label });
		this.scroller = html("div", { class: "scroll" }, this.svg);
		host.append(this.scroller);
		this.tooltip = new Tooltip(host);
		on(this.svg, {
			// By place and not by element: an answer may redraw the bars between press and release.
			click: (event) => this.#choose(this.#at(event)),
			pointermove: (event) => this.#point(this.#at(event), event.clientX, event.clientY),
			pointerleave: () => this.tooltip.hide(),
			keydown: (event) => this.#key(event),
			focusin: (event) => this.#focused(event.target),
			focusout: () => this.tooltip.hide(),
		});
		on(this.scroller, { scroll: () => this.tooltip.hide() });
		this.observer = new ResizeObserver(() => this.#draw());
		this.observer.observe(host);
	}

	/** @param {Bar[]} bars from the highest to the lowest @param {string} chosen "" for none */
	show(bars, chosen) {
		this.#bars = bars;
		this.#chosen = chosen;
		this.#draw();
	}

	#draw() {
		const width = this.scroller.clientWidth;
		if (!width) return;
		const focused = this.svg.contains(document.activeElement);
		const layout = this.#layout(width);
		set(this.svg, { width, height: layout.row * this.#bars.length });
		const old = this.#rows;
		this.#rows = new Map(this.#bars.map(({ feature }) => [feature, old.get(feature) ?? newRow()]));
		if (!this.#rows.has(this.#active)) this.#active = (this.#bars.find(this.#isChosen) ?? this.#bars[0])?.feature;
		this.#bars.forEach((bar, index) => this.#fill(this.#rows.get(bar.feature), bar, index, layout));
		this.svg.replaceChildren(...this.#rows.values());
		if (focused) this.#rows.get(this.#active)?.focus({ preventScroll: true });
	}

	#isChosen = (bar) => bar.feature === this.#chosen;

	#layout(width) {
		const above = width < NARROW;
		const widest = Math.max(...this.#bars.map((bar) => widthOf(bar.feature)));
		const names = above ? width - 2 * PAD : Math.min(widest + 8, width * 0.36);
		const counts = Math.max(...this.#bars.map((bar) => widthOf(inWords(bar.count)))) + 10;
		const left = above ? PAD : PAD + names + 8;
		const shape = above ? { row: 44, top: 25, thick: 12 } : { row: 32, top: 7, thick: 18 };
		return { ...shape, width, names, left, length: Math.max(20, width - left - counts - PAD), above };
	}

	#fill(row, bar, index, { width, row: step, names, left, length, top, thick, above }) {
		const [back, name, shape, count] = row.children;
		const chosen = this.#isChosen(bar);
		const long = Math.max(2, (bar.count / this.#bars[0].count) * length);
		const middle = top + thick / 2 + 4.5;
		row.style.transform = `translateY(${index * step}px)`;
		set(row, {
			class: chosen ? "bar chosen" : "bar",
			tabindex: bar.feature === this.#active ? 0 : -1,
			"aria-selected": chosen,
			"aria-label": `${bar.feature}: ${counted(bar.count)}`,
		});
		set(back, { width: width - 2, height: step - 2 });
		set(name, { x: PAD, y: above ? 18 : middle });
		name.textContent = fitted(bar.feature, names);
		set(shape, { x: left, y: top, height: thick, width: long });
		set(count, { x: left + long + 8, y: middle });
		count.textContent = inWords(bar.count);
	}

	#at(event) {
		const { top, height } = this.svg.getBoundingClientRect();
		return this.#bars[Math.floor(((event.clientY - top) / height) * this.#bars.length)];
	}

	#choose(bar) {
		if (!bar) return;
		this.#active = bar.feature;
		this.onChoose(bar.feature);
	}

	#point(bar, x, y) {
		if (!bar) return;
		const total = this.#bars.reduce((sum, { count }) => sum + count, 0);
		this.tooltip.show(x, y, bar.feature, `${counted(bar.count)}, ${((100 * bar.count) / total).toFixed(1)} % of all`);
	}

	#focused(row) {
		const bar = this.#bars.find(({ feature }) => this.#rows.get(feature) === row);
		if (!bar) return;
		this.#active = bar.feature;
		for (const each of this.#rows.values()) set(each, { tabindex: each === row ? 0 : -1 });
		if (!row.matches(":focus-visible")) return;
		const { right, top } = row.children[2].getBoundingClientRect();
		this.#point(bar, right, top);
	}

	#key(event) {
		const here = this.#bars.findIndex(({ feature }) => feature === this.#active);
		if (event.key === "Enter" || event.key === " ") this.#choose(this.#bars[here]);
		else if (event.key in STEPS) {
			const next = Math.min(this.#bars.length - 1, Math.max(0, here + STEPS[event.key]));
			this.#rows.get(this.#bars[next].feature).focus();
		} else return;
		event.preventDefault();
	}
}

function newRow() {
	return svg(
		"g",
		{ role: "option" },
		svg("rect", { class: "back", x: 1, y: 1, rx: 6 }),
		svg("text"),
		svg("rect", { class: "length", rx: 3 }),
		svg("text", { class: "count" }),
	);
}
