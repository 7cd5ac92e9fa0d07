/**
 * A line over days. The pointer or the arrow keys show the count of a day.
 *
 *     const chart = new LineChart(host, () => …); // a day is inspected
 *     chart.show("date_filter", [{ date: "2026-01-05", count: 3 }]);
 */

import { counted, dayWithWeekday, inWords } from "../dates.js";
import { on, set, svg } from "../dom.js";
import { countTicks, dayTicks, movingMeans, widthOf } from "./scales.js";
import { Tooltip } from "./tooltip.js";

const HEIGHT = 360;
const TOP = 12;
const FLOOR = HEIGHT - 28;
const STEPS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, Home: -Infinity, End: Infinity };

/** How many days the bold line averages: on long ranges single days would hide the trend. */
export const daysInMean = (days) => (days < 90 ? 1 : days < 400 ? 7 : 28);

export class LineChart {
	#points = [];
	#feature = "";
	#index = -1; // the inspected day; -1: none

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
		new ResizeObserver(() => this.#draw()).observe(host);
	}

	/** @param {import("../api.js").Point[]} points at least one */
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
		this.right = width - 14;
		this.step = (this.right - this.left) / Math.max(1, last);
		set(this.svg, { width, "aria-label": `Events of ${this.#feature} per day`, "aria-valuemin": 0, "aria-valuemax": last });
		const days = dayTicks(this.#points, (width - this.left) / 64);
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
		const means = this.#path(movingMeans(counts, daysInMean(counts.length)));
		return [area, svg("path", { class: "days", d: days }), svg("path", { class: "trend", d: means })];
	}

	#path(counts) {
		return `M${counts.map((count, index) => `${this.#x(index).toFixed(1)},${this.#y(count).toFixed(1)}`).join("L")}`;
	}

	#clamped(index) {
		return Math.min(this.#points.length - 1, Math.max(0, index));
	}

	#at(event) {
		return this.#clamped(Math.round((event.clientX - this.svg.getBoundingClientRect().left - this.left) / this.step));
	}

	#key(event) {
		const step = STEPS[event.key];
		if (event.key === "Escape") this.#inspect(-1);
		if (!step) return;
		event.preventDefault();
		const from = this.#index < 0 && step < 0 ? this.#points.length : this.#index;
		this.#inspect(this.#clamped(from + step));
	}

	#inspect(index) {
		this.#index = index;
		this.#mark();
		if (index >= 0) this.onInspect();
	}

	#mark() {
		const index = this.#index < 0 ? this.#points.length - 1 : this.#index;
		const { date, count } = this.#points[index];
		const [day, events] = [dayWithWeekday(date), counted(count)];
		const [x, y] = [this.#x(index), this.#y(count)];
		set(this.svg, { "aria-valuenow": index, "aria-valuetext": `${day}: ${events}` });
		set(this.marker.children[0], { x1: x, x2: x });
		set(this.marker.children[1], { cx: x, cy: y });
		this.marker.style.display = this.#index < 0 ? "none" : "";
		if (this.#index < 0) return this.tooltip.hide();
		const box = this.svg.getBoundingClientRect();
		this.tooltip.show(box.left + x, box.top, day, events); // above the line, not on it
	}
}
