/** What the charts show, as one table in CSV (RFC 4180) that spreadsheets open safely. */

// A spreadsheet runs a cell that begins with one of these, or its full-width form, as a formula.
const FORMULA = /^\s*[=+\-@\t\r＝＋－＠]/;

/**
 * @param {import("./api.js").Report} report
 * @param {string} feature whose days the line shows
 */
export function csvOf({ barChartData, lineChartData }, feature) {
	const rows = [
		["chart", "feature", "date", "count"],
		...barChartData.map((bar) => ["Feature Usage", bar.feature, "", bar.count]),
		...lineChartData.map((point) => ["Time Trend", feature, point.date, point.count]),
	];
	// The mark in front tells Excel that this is UTF-8.
	return `\ufeff${rows.map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}

function cell(value) {
	const text = FORMULA.test(value) ? `'${value}` : String(value);
	return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
