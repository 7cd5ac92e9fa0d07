/** The dashboard of a signed-in user: filters and charts, whose every use is tracked and then shown. */

import * as api from "./api.js";
import { BarChart } from "./charts/bar-chart.js";
import { ChartTable } from "./charts/chart-table.js";
import { LineChart, MANY_DAYS } from "./charts/line-chart.js";
import { pictureOf } from "./charts/picture.js";
import { csvOf } from "./csv.js";
import { counted, dayInWords } from "./dates.js";
import { byId, download, html, on, showView } from "./dom.js";
import { chipButton, FilterBar } from "./filter-bar.js";
import { active, filtersInWords, filtersOf, keepFilters, keptFilters, queryOf, used } from "./filters.js";
import { Outbox } from "./outbox.js";
import { SessionChanged } from "./session.js";

const PATIENCE_MS = 2_000; // how long the charts wait for an event before they are fetched without it

export class Dashboard {
	#report = null;
	#feature = featureInAddress();
	#inspected = new Set();
	#turn = 0; // only the last one may draw: answers can overtake each other
	#fetching = new AbortController();
	#unseen = false; // events were on their way when the charts were fetched

	/** @param {import("./session.js").Session} session @param {api.User} user @param {string} note */
	constructor(session, user, note) {
		showView("dashboard-view");
		document.title = "Dashboard · vigility";
		byId("note").textContent = note;
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
		const refused = ({ message }) => (byId("note").textContent = `A click was not counted: ${message}.`);
		this.outbox = new Outbox(user.id, send, () => this.#sentSome(), refused);
		this.#listen();
		this.#load();
	}

	/** Give the last events time to be sent. */
	finish() {
		return this.outbox.settled(PATIENCE_MS);
	}

	close() {
		this.#turn = NaN; // which equals nothing
		this.#fetching.abort();
		this.outbox.close();
		this.filterBar.close();
		removeEventListener("pagehide", this.#leave);
	}

	#listen() {
		on(byId("refresh"), { click: () => this.#use("refresh_data") });
		on(byId("csv"), { click: () => this.#export("csv") });
		on(byId("png"), { click: () => this.#export("png") });
		on(byId("close-line"), {
			click: () => {
				this.#choose("");
				document.querySelector("h1").focus();
			},
		});
		on(window, { pagehide: this.#leave });
	}

	#leave = () => {
		this.filterBar.finish();
		if (this.session.agrees) this.outbox.leave(api.track);
	};

	/** Something was used: tell the server, and then fetch the charts with it. */
	async #use(...features) {
		const turn = ++this.#turn;
		this.#fetching.abort();
		this.#busy(true);
		this.outbox.add(features);
		await this.outbox.settled(PATIENCE_MS);
		if (turn === this.#turn) this.#load();
	}

	#choose(feature, ...tracked) {
		this.#feature = feature;
		history.replaceState(null, "", feature ? `/dashboard?${new URLSearchParams({ feature })}` : "/dashboard");
		this.bars.show(this.#report.barChartData, feature); // at once, before the answer
		this.#use(...tracked);
	}

	#inspect() {
		if (this.#inspected.has(this.#feature)) return;
		this.#inspected.add(this.#feature);
		this.#use("line_chart_hover");
	}

	#sentSome() {
		const { late, events } = this.outbox;
		byId("late").textContent = late ? `${counted(late)} not counted yet. Trying again: you need do nothing.` : "";
		if (!events.length && this.#unseen) this.#load();
	}

	async #load() {
		const turn = ++this.#turn;
		this.#fetching.abort();
		this.#fetching = new AbortController();
		this.#unseen = this.outbox.events.length > 0;
		this.#busy(true);
		if (!this.#report) this.#state("bars", "Loading the counts…");
		const query = queryOf(this.filterBar.filters, this.#feature);
		const { signal } = this.#fetching;
		try {
			const report = await this.session.call(() => api.analytics(query, signal));
			if (turn === this.#turn) this.#show(report);
		} catch (error) {
			if (error instanceof SessionChanged || turn !== this.#turn) return;
			this.#show({ barChartData: [], lineChartData: [] }, error.message);
		}
		if (turn === this.#turn) this.#busy(false);
	}

	#busy(busy) {
		byId("charts").setAttribute("aria-busy", busy);
	}

	#show(report, failure = "") {
		this.#report = report;
		for (const id of ["csv", "png"]) byId(id).disabled = !report.barChartData.length;
		this.#showBars(report.barChartData, failure);
		this.#showLine(report.lineChartData, failure);
	}

	#showBars(bars, failure) {
		const { filters } = this.filterBar;
		const total = bars.reduce((sum, { count }) => sum + count, 0);
		if (failure) this.#state("bars", `The counts could not be loaded. ${failure}.`, "Try again", () => this.#load());
		else if (bars.length) this.#state("bars");
		else if (!active(filters).length) {
			this.#state("bars", "No clicks yet. Set a filter or press Refresh: each is counted, and appears here.");
		} else this.#state("bars", "No clicks under these filters.", "Remove them", () => this.filterBar.change(filtersOf({})));
		byId("bars-about").textContent = bars.length ? `${counted(total)} on ${counted(bars.length, "feature")}` : "Clicks per feature";
		this.bars.show(bars, this.#feature);
		this.barTable.show(`Feature Usage: ${filtersInWords(filters)}`, bars.map(({ feature, count }) => [feature, count]));
	}

	#showLine(points, failure) {
		const feature = this.#feature;
		byId("close-line").hidden = !feature;
		chipButton(byId("close-line"), "Close", feature);
		if (!feature) this.#state("line", "Choose a bar in Feature Usage to see its days.");
		else if (!points.length) this.#state("line", failure ? "Not loaded." : "No days to show. Widen the dates, or choose another bar.");
		else this.#state("line");
		byId("line-about").textContent = points.length ? lineInWords(points) : "Clicks per day";
		if (points.length) this.line.show(feature, points);
		this.lineTable.show(`Time Trend of ${feature}`, points.map(({ date, count }) => [date, count]));
	}

	/** Say in place of a chart why it is not there, and offer what can be done; or show the chart. */
	#state(chart, sentence = "", action = "", click = null) {
		byId(chart).hidden = Boolean(sentence);
		const place = byId(`${chart}-state`);
		place.hidden = !sentence;
		place.replaceChildren(html("p", {}, sentence));
		if (!action) return;
		const button = html("button", {}, action);
		on(button, { click });
		place.append(button);
	}

	async #export(kind) {
		const report = this.#report;
		const words = filtersInWords(this.filterBar.filters);
		const name = ["vigility", ...`${words} ${this.#feature}`.match(/[\p{L}\p{N}_]+/gu)].join("-");
		if (kind === "csv") {
			download(new Blob([csvOf(report, this.#feature)], { type: "text/csv" }), `${name}.csv`);
		} else {
			const parts = [["Feature Usage", this.bars.svg]];
			if (report.lineChartData.length) parts.push([`Time Trend: ${this.#feature}`, this.line.svg]);
			download(await pictureOf(`${words}: ${byId("bars-about").textContent}`, parts), `${name}.png`);
		}
		this.#use("export_data");
	}
}

function lineInWords(points) {
	const total = points.reduce((sum, { count }) => sum + count, 0);
	const means = points.length < MANY_DAYS ? "" : ". Strong line: mean of 7 days";
	return `${counted(total)}, ${dayInWords(points[0].date)} to ${dayInWords(points.at(-1).date)} (UTC)${means}`;
}

/** The feature that the address names, so that a reload shows the same; or "". */
function featureInAddress() {
	const feature = new URLSearchParams(location.search).get("feature")?.trim() ?? "";
	return feature.length > 100 ? "" : feature;
}
