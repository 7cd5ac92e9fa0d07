/**
 * Horizontal bars. One can be chosen by click, or by the arrow keys and Enter.
 *
 *     const chart = new BarChart(host, "Feature Usage", (feature) => …);
 *     chart.show([{ feature: "date_filter", count: 12 }], "date_filter");
 */

import { counted, inWords, totalOf } from "../dates.js";
import { html, on, set, svg } from "../dom.js";
import { fitted, widthOf } from "./scales.js";
import { Tooltip } from "./tooltip.js";

const NARROW = 420; // below it names are above their bars
const PAD = 10;
const STEPS = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };

export class BarChart {
	#bars = [];
	#chosen = "";
	#active = 0; // the bar that keys act on

	/** @param {(feature: string) => void} onChoose */
	constructor(host, label, onChoose) {
		this.onChoose = onChoose;
		this.svg = svg("svg", { role: "listbox", "aria-label": label });
		this.scroller = html("div", { class: "scroll" }, this.svg);
		host.append(this.scroller);
		this.tooltip = new Tooltip(host);
		const leave = () => this.tooltip.hide();
		// On the SVG, a focus listener would make it one more tab stop.
		on(this.scroller, { scroll: leave, focusin: (event) => this.#focused(event.target), focusout: leave });
		on(this.svg, {
			// By position: a response may redraw the bars between press and release.
			click: (event) => this.#choose(this.#at(event)),
			pointermove: (event) => this.#point(this.#at(event), event.clientX, event.clientY),
			keydown: (event) => this.#key(event),
			pointerleave: leave,
		});
		new ResizeObserver(() => this.#draw()).observe(host);
	}

	/** @param {import("../api.js").Bar[]} bars the highest first @param {string} chosen "" for none */
	show(bars, chosen) {
		const active = this.#bars[this.#active]?.feature ?? chosen;
		this.#bars = bars;
		this.#chosen = chosen;
		this.#active = Math.max(0, bars.findIndex(({ feature }) => feature === active));
		this.#draw();
	}

	#draw() {
		const width = this.scroller.clientWidth;
		if (!width || !this.#bars.length) return this.svg.replaceChildren();
		const focused = this.svg.contains(document.activeElement);
		const layout = this.#layout(width);
		set(this.svg, { width, height: layout.step * this.#bars.length });
		this.svg.replaceChildren(...this.#bars.map((bar, index) => this.#row(bar, index, layout)));
		if (focused) this.#rowOf(this.#active).focus({ preventScroll: true });
	}

	#layout(width) {
		const above = width < NARROW;
		const widest = Math.max(...this.#bars.map(({ feature }) => widthOf(feature)));
		const names = above ? width - 2 * PAD : Math.min(widest * 1.08 + 4, width * 0.36); // bold is wider
		const left = above ? PAD : PAD + names + 8;
		const room = Math.max(20, width - left - widthOf(inWords(this.#bars[0].count)) - 3 * PAD);
		return { width, names, left, room, ...(above ? { step: 44, text: 18, top: 25 } : { step: 32, text: 21, top: 7 }) };
	}

	#row({ feature, count }, index, { width, names, left, room, step, text, top }) {
		const thick = step - top - 7;
		const length = Math.max(2, (count / this.#bars[0].count) * room);
		const chosen = feature === this.#chosen;
		return svg(
			"g",
			{
				role: "option",
				class: chosen ? "bar chosen" : "bar",
				transform: `translate(0 ${index * step})`,
				tabindex: index === this.#active ? 0 : -1,
				"aria-selected": chosen,
				"aria-label": `${feature}: ${counted(count)}`,
			},
			svg("rect", { class: "back", x: 1, y: 1, rx: 6, width: width - 2, height: step - 2 }),
			svg("text", { x: PAD, y: text }, fitted(feature, names)),
			svg("rect", { class: "length", x: left, y: top, rx: 3, width: length, height: thick }),
			svg("text", { class: "count", x: left + length + 8, y: top + thick / 2 + 4.5 }, inWords(count)),
		);
	}

	#rowOf(index) {
		return this.svg.children[index];
	}

	#at(event) {
		const { top, height } = this.svg.getBoundingClientRect();
		return Math.floor(((event.clientY - top) / height) * this.#bars.length);
	}

	#choose(index) {
		if (!this.#bars[index]) return;
		this.#active = index;
		this.onChoose(this.#bars[index].feature);
	}

	#point(index, x, y) {
		if (!this.#bars[index]) return;
		const { feature, count } = this.#bars[index];
		const share = ((100 * count) / totalOf(this.#bars)).toFixed(1);
		this.tooltip.show(x, y, feature, `${counted(count)}, ${share} % of all`);
	}

	#focused(row) {
		set(this.#rowOf(this.#active), { tabindex: -1 });
		set(row, { tabindex: 0 });
		this.#active = [...this.svg.children].indexOf(row);
		if (!row.matches(":focus-visible")) return;
		const { right, top } = row.children[2].getBoundingClientRect();
		this.#point(this.#active, right, top);
	}

	#key(event) {
		if (event.key === "Enter" || event.key === " ") this.#choose(this.#active);
		else if (event.key in STEPS) {
			const next = Math.min(this.#bars.length - 1, Math.max(0, this.#active + STEPS[event.key]));
			this.#rowOf(next).focus();
		} else return;
		event.preventDefault();
	}
}
