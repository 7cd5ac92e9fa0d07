/** What the charts show, as one table in CSV (RFC 4180) that spreadsheets open safely. */

// Spreadsheets run a cell that begins with one of these, or its full-width form.
const FORMULA = /^\s*[=+\-@\t\r＝＋－＠]/;

/** @param {import("./api.js").Bar[]} bars @param {import("./api.js").Point[]} points @param {string} feature of the points */
export function csvOf(bars, points, feature) {
	const rows = [
		["chart", "feature", "date", "count"],
		...bars.map((bar) => ["Feature Usage", bar.feature, "", bar.count]),
		...points.map((point) => ["Time Trend", feature, point.date, point.count]),
	];
	// The mark in front says UTF-8 to Excel.
	return `\ufeff${rows.map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}

function cell(value) {
	const text = FORMULA.test(value) ? `'${value}` : String(value);
	return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
