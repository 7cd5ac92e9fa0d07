/** The dashboard of a signed-in user: filters and charts. Every use of them is tracked and then shown. */

import * as api from "./api.js";
import { BarChart } from "./charts/bar-chart.js";
import { ChartTable } from "./charts/chart-table.js";
import { daysInMean, LineChart } from "./charts/line-chart.js";
import { counted, dayInWords, totalOf } from "./dates.js";
import { byId, download, html, on, set, showView } from "./dom.js";
import { chipButton, FilterBar } from "./filter-bar.js";
import { active, filtersInWords, keepFilters, keptFilters, NO_FILTERS, queryOf, used } from "./filters.js";
import { Outbox } from "./outbox.js";
import { SessionChanged } from "./session.js";

const MAX_WAIT_MS = 2_000; // for events to be sent; then the charts are loaded without them

export class Dashboard {
	#report = null;
	#feature = new URLSearchParams(location.search).get("feature") ?? ""; // a reload shows the same
	#inspected = new Set();
	#latest = 0; // only the latest request may draw: responses can overtake each other
	#fetching = new AbortController();
	#unseen = false; // events were still being sent when the charts were loaded

	/** @param {import("./session.js").Session} session @param {api.User} user */
	constructor(session, user, note) {
		showView("dashboard-view", "Dashboard");
		this.#notify(note);
		this.session = session;
		this.bars = new BarChart(byId("bars"), "Feature Usage", (feature) => this.#choose(feature, "bar_chart_zoom"));
		this.line = new LineChart(byId("line"), () => this.#inspect());
		this.barTable = new ChartTable(byId("bars-table"), "Feature");
		this.lineTable = new ChartTable(byId("line-table"), "Day (UTC)");
		this.filterBar = new FilterBar(keptFilters(user.id), (before, after) => {
			keepFilters(user.id, after);
			this.#use(...used(before, after));
		});
		const send = (event) => session.call(() => api.track(event));
		const refused = ({ message }) => this.#notify(`An event was not counted: ${message}.`);
		this.outbox = new Outbox(user.id, send, () => this.#sentSome(), refused);
		const buttons = {
			refresh: () => this.#use("refresh_data"),
			csv: () => this.#export("csv"),
			png: () => this.#export("png"),
			"close-line": () => this.#choose(""),
		};
		for (const id in buttons) on(byId(id), { click: buttons[id] });
		on(window, { pagehide: this.#leave });
		this.#load();
	}

	/** Wait for the last events to be sent. */
	finish() {
		return this.outbox.settled(MAX_WAIT_MS);
	}

	close() {
		this.#latest = NaN; // equals nothing
		this.#fetching.abort();
		this.outbox.close();
		this.filterBar.close();
		removeEventListener("pagehide", this.#leave);
	}

	#leave = () => {
		this.filterBar.finish();
		const { session, outbox } = this;
		// A last try. Browsers let some 64 kB of requests survive the page.
		if (session.agrees) for (const event of outbox.events.slice(0, 20)) api.track(event).catch(() => {});
	};

	/** Track what was used, and then load charts that include it. */
	async #use(...features) {
		const request = ++this.#latest;
		this.#fetching.abort();
		this.#busy(true);
		this.outbox.add(features);
		await this.finish();
		if (request === this.#latest) this.#load();
	}

	#choose(feature, ...tracked) {
		this.#feature = feature;
		history.replaceState(null, "", feature ? `/dashboard?${new URLSearchParams({ feature })}` : "/dashboard");
		this.bars.show(this.#report.barChartData, feature); // at once, before the response
		if (!feature) document.querySelector("h1").focus(); // the button that closed it disappears
		this.#use(...tracked);
	}

	#inspect() {
		if (this.#inspected.has(this.#feature)) return;
		this.#inspected.add(this.#feature);
		this.#use("line_chart_hover");
	}

	#sentSome() {
		const { late, events } = this.outbox;
		byId("late").textContent = late ? `${counted(late)} not counted yet: trying again.` : "";
		if (!events.length && this.#unseen) this.#load();
	}

	async #load() {
		const request = ++this.#latest;
		this.#fetching.abort();
		const { signal } = (this.#fetching = new AbortController());
		this.#unseen = this.outbox.events.length > 0;
		this.#busy(true);
		if (!this.#report) this.#state("bars", "Loading the counts…");
		const query = queryOf(this.filterBar.filters, this.#feature);
		let report = { barChartData: [], lineChartData: [] };
		let failure = "";
		try {
			report = await this.session.call(() => api.analytics(query, signal));
		} catch (error) {
			if (error instanceof SessionChanged) return;
			failure = error.message;
		}
		if (request !== this.#latest) return;
		this.#report = report;
		this.#showBars(report.barChartData, failure, report.rest);
		this.#showLine(report.lineChartData, failure, report.truncated);
		this.#busy(false);
		import("./exports.js").catch(() => {}); // ready for a click
	}

	#notify(note) {
		byId("note").textContent = note;
	}

	#busy(busy) {
		set(byId("charts"), { "aria-busy": busy });
	}

	#showBars(bars, failure, rest) {
		const { filters } = this.filterBar;
		const showAll = () => this.filterBar.change(NO_FILTERS);
		if (failure) this.#state("bars", `The counts could not be loaded. ${failure}.`, "Try again", () => this.#load());
		else if (bars.length) this.#state("bars");
		else if (active(filters).length) this.#state("bars", "No events under these filters.", "Remove them", showAll);
		else this.#state("bars", "No events yet. Set a filter or press Refresh: that is counted and shown here.");
		for (const id of ["csv", "png"]) byId(id).disabled = !bars.length;
		const too = rest ? `, ${counted(rest.count)} on ${rest.features} more` : "";
		const about = `${counted(totalOf(bars))} on ${counted(bars.length, "feature")}${too}`;
		byId("bars-about").textContent = bars.length ? about : "Events per feature";
		this.bars.show(bars, this.#feature);
		this.barTable.show(`Feature Usage: ${filtersInWords(filters)}`, bars.map(({ feature, count }) => [feature, count]));
	}

	#showLine(points, failure, cut) {
		const feature = this.#feature;
		chipButton(byId("close-line"), "Close", feature);
		byId("close-line").hidden = !feature;
		if (!feature) this.#state("line", "Choose a bar in Feature Usage to see its days.");
		else if (points.length) this.#state("line");
		else this.#state("line", failure ? "Not loaded." : "No days to show. Widen the dates, or choose another bar.");
		byId("line-about").textContent = points.length ? lineInWords(points) + (cut ? ". Set dates for others" : "") : "Events per day";
		if (points.length) this.line.show(feature, points);
		this.lineTable.show(`Time Trend of ${feature}`, points.map(({ date, count }) => [date, count]));
	}

	/** Show a chart or, in its place, why it is missing and what can be done. */
	#state(chart, sentence = "", action = "", click = null) {
		const place = byId(`${chart}-state`);
		byId(chart).hidden = Boolean(sentence);
		place.hidden = !sentence;
		place.replaceChildren(html("p", {}, sentence));
		if (action) place.append(on(html("button", {}, action), { click }));
	}

	async #export(kind) {
		const { barChartData: bars, lineChartData: points } = this.#report;
		const feature = this.#feature;
		const words = filtersInWords(this.filterBar.filters);
		const name = `vigility ${words} ${feature}`.match(/[\p{L}\p{N}_]+/gu).join("-");
		const heading = `${words}: ${byId("bars-about").textContent}`;
		const parts = [["Feature Usage", this.bars.svg]];
		if (points.length) parts.push([`Time Trend: ${feature}`, this.line.svg]);
		try {
			const { csvOf, pictureOf } = await import("./exports.js");
			const file = kind === "csv" ? csvOf(bars, points, feature) : await pictureOf(heading, parts);
			download(file, `${name}.${kind}`);
		} catch {
			return this.#notify("The file could not be made. Reload the page and try again.");
		}
		this.#use("export_data");
	}
}

function lineInWords(points) {
	const mean = daysInMean(points.length);
	const means = mean > 1 ? `. Bold line: ${mean}-day mean` : "";
	return `${counted(totalOf(points))}, ${dayInWords(points[0].date)} to ${dayInWords(points.at(-1).date)} (UTC)${means}`;
}
