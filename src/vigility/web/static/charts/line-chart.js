/**
 * A line over days. Pointing at it, or the arrow keys, show the count of a day.
 *
 *     const chart = new LineChart(host, () => …); // called when somebody looks at a day
 *     chart.show("date_filter", [{ date: "2026-01-05", count: 3 }]);
 */

import { counted, dayWithWeekday, inWords } from "../dates.js";
import { on, set, svg } from "../dom.js";
import { countTicks, dayTicks, weekMeans, widthOf } from "./scales.js";
import { Tooltip } from "./tooltip.js";

/** @typedef {import("../api.js").Point} Point */

const HEIGHT = 320;
const TOP = 12;
const FLOOR = HEIGHT - 28;
const RIGHT = 14;
const LABEL_SPACE = 64;
const STEPS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 30, PageDown: -30, Home: -Infinity, End: Infinity };

/** From so many days on, the mean of a week carries the line and the days stand behind it. */
export const MANY_DAYS = 90;

export class LineChart {
	#points = [];
	#feature = "";
	#index = -1; // the day that is looked at; -1 for none

	/** @param {HTMLElement} host @param {() => void} onInspect */
	constructor(host, onInspect) {
		this.host = host;
		this.onInspect = onInspect;
		this.svg = svg("svg", { role: "slider", tabindex: 0, height: HEIGHT, class: "line" });
		host.append(this.svg);
		this.tooltip = new Tooltip(host);
		this.marker = svg("g", { class: "marker" }, svg("line", { y1: TOP, y2: FLOOR }), svg("circle", { r: 5 }));
		const point = (event) => this.#inspect(this.#at(event));
		const leave = () => this.#inspect(-1);
		on(this.svg, { pointermove: point, pointerdown: point, pointerleave: leave, blur: leave });
		on(this.svg, { keydown: (event) => this.#key(event) });
		this.observer = new ResizeObserver(() => this.#draw());
		this.observer.observe(host);
	}

	/** @param {string} feature @param {Point[]} points at least one */
	show(feature, points) {
		if (feature !== this.#feature || points.length !== this.#points.length) this.#index = -1;
		this.#feature = feature;
		this.#points = points;
		this.#draw();
	}

	#draw() {
		const width = this.host.clientWidth;
		if (!width || !this.#points.length) return;
		const ticks = countTicks(this.#points.reduce((most, { count }) => Math.max(most, count), 1));
		const last = this.#points.length - 1;
		this.highest = ticks.at(-1);
		this.left = Math.ceil(widthOf(inWords(this.highest))) + 10;
		this.right = width - RIGHT;
		this.step = (this.right - this.left) / Math.max(1, last);
		set(this.svg, { width, "aria-label": `Clicks of ${this.#feature} per day`, "aria-valuemin": 0, "aria-valuemax": last });
		const days = dayTicks(this.#points, (width - this.left) / LABEL_SPACE);
		this.svg.replaceChildren(
			...ticks.flatMap((count) => this.#countTick(count)),
			...days.map((tick) => this.#dayTick(tick, width)),
			...this.#lines(),
			this.marker,
		);
		this.#mark();
	}

	#x(index) {
		return this.#points.length > 1 ? this.left + this.step * index : (this.left + this.right) / 2;
	}

	#y(count) {
		return FLOOR - ((FLOOR - TOP) * count) / this.highest;
	}

	#countTick(count) {
		const y = Math.round(this.#y(count)) + 0.5;
		const line = svg("line", { class: count ? "grid" : "axis", x1: this.left, x2: this.right, y1: y, y2: y });
		return [line, svg("text", { class: "tick", x: this.left - 8, y: y + 4, "text-anchor": "end" }, inWords(count))];
	}

	#dayTick({ index, words }, width) {
		const half = widthOf(words) / 2;
		const x = Math.min(width - half - 1, Math.max(half, this.#x(index)));
		return svg("text", { class: "tick", x, y: HEIGHT - 8, "text-anchor": "middle" }, words);
	}

	#lines() {
		const counts = this.#points.map(({ count }) => count);
		const [first, last] = [this.#x(0), this.#x(counts.length - 1)];
		if (counts.length === 1) return [svg("circle", { class: "dot", cx: first, cy: this.#y(counts[0]), r: 4 })];
		const days = this.#path(counts);
		const area = svg("path", { class: "area", d: `${days}L${last},${FLOOR}L${first},${FLOOR}Z` });
		if (counts.length < MANY_DAYS) return [area, svg("path", { class: "trend", d: days })];
		return [area, svg("path", { class: "days", d: days }), svg("path", { class: "trend", d: this.#path(weekMeans(counts)) })];
	}

	#path(counts) {
		const places = thinned(counts, this.right - this.left).map((index) => {
			return `${this.#x(index).toFixed(1)},${this.#y(counts[index]).toFixed(1)}`;
		});
		return `M${places.join("L")}`;
	}

	#clamped(index) {
		return Math.min(this.#points.length - 1, Math.max(0, index));
	}

	#at(event) {
		return this.#clamped(Math.round((event.clientX - this.svg.getBoundingClientRect().left - this.left) / this.step));
	}

	#key(event) {
		const { key } = event;
		if (key === "Escape") this.#inspect(-1);
		if (!(key in STEPS)) return;
		event.preventDefault();
		const from = this.#index < 0 && STEPS[key] < 0 ? this.#points.length : this.#index;
		this.#inspect(this.#clamped(from + STEPS[key]));
	}

	#inspect(index) {
		this.#index = index;
		this.#mark();
		if (index >= 0) this.onInspect();
	}

	#mark() {
		const index = this.#index < 0 ? this.#points.length - 1 : this.#index;
		const { date, count } = this.#points[index];
		const said = [dayWithWeekday(date), counted(count)];
		const [x, y] = [this.#x(index), this.#y(count)];
		set(this.svg, { "aria-valuenow": index, "aria-valuetext": said.join(": ") });
		set(this.marker.children[0], { x1: x, x2: x });
		set(this.marker.children[1], { cx: x, cy: y });
		this.marker.style.display = this.#index < 0 ? "none" : "";
		if (this.#index < 0) return this.tooltip.hide();
		const box = this.svg.getBoundingClientRect();
		this.tooltip.show(box.left + x, box.top + y, ...said);
	}
}

/** The indexes to draw: all or, where there are more than pixels, the lowest and highest of each column of them. */
function thinned(counts, columns) {
	const all = counts.map((_, index) => index);
	const size = Math.ceil(counts.length / columns);
	if (size < 3) return all;
	const kept = new Set();
	for (let from = 0; from < counts.length; from += size) {
		const column = all.slice(from, from + size).sort((a, b) => counts[a] - counts[b]);
		for (const index of [column[0], column.at(-1)].sort((a, b) => a - b)) kept.add(index);
	}
	return [...kept];
}
