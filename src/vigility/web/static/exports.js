/** The charts as files. Loaded later: nothing shown needs them. */

import { html, set, svg } from "./dom.js";

// Spreadsheets run a cell that starts with one of these, or its full-width form. In some, a semicolon starts a cell.
const FORMULA = /(^|;)(?=\s*[=+\-@\t\r＝＋－＠])/g;

const PAD = 24;
const MAX_HEIGHT = 16_000; // browsers refuse canvases of more pixels
const STYLES = ["fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "font-size", "font-weight"];

/** The charts as one CSV table (RFC 4180) that spreadsheets open safely. `points` belong to `feature`. */
export function csvOf(bars, points, feature) {
	const rows = [
		["chart", "feature", "date", "count"],
		...bars.map((bar) => ["Feature Usage", bar.feature, "", bar.count]),
		...points.map((point) => ["Time Trend", feature, point.date, point.count]),
	];
	// The byte order mark tells Excel that it is UTF-8.
	const text = `\ufeff${rows.map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
	return new Blob([text], { type: "text/csv" });
}

function cell(value) {
	const text = String(value).replace(FORMULA, "$1'");
	return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Charts as one PNG: their SVG with its styles, drawn on a canvas. `parts`: titles and SVG, from the top. */
export async function pictureOf(heading, parts) {
	const { color, fontFamily } = getComputedStyle(document.body);
	const fill = getComputedStyle(document.querySelector(".card")).backgroundColor;
	const width = Math.max(480, ...parts.map(([, chart]) => sizeOf(chart)[0])) + 2 * PAD;
	const whole = svg("svg", { width, "font-family": fontFamily }, svg("rect", { width, height: "100%", fill }));
	const write = (text, y, size) => whole.append(svg("text", { x: PAD, y, "font-size": size, fill: color }, text));
	let y = 48;
	write(heading, y - 16, 13);
	for (const [title, chart] of parts) {
		write(title, y + 24, 18);
		whole.append(svg("g", { transform: `translate(${PAD} ${y + 40})` }, styledCopy(chart)));
		y += 40 + sizeOf(chart)[1] + PAD;
	}
	set(whole, { height: y });
	const image = new Image();
	const text = new XMLSerializer().serializeToString(whole).replace(/[\ufffe\uffff]/g, "\ufffd"); // not allowed in XML
	image.src = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
	await image.decode();
	const scale = Math.min(2, MAX_HEIGHT / y);
	const canvas = html("canvas", { width: width * scale, height: y * scale });
	canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
	URL.revokeObjectURL(image.src);
	return new Promise((resolve) => canvas.toBlob(resolve));
}

const sizeOf = (chart) => ["width", "height"].map((name) => Number(chart.getAttribute(name)));

function styledCopy(chart) {
	const copy = chart.cloneNode(true);
	const originals = chart.querySelectorAll("*");
	copy.querySelectorAll("*").forEach((element, index) => {
		const style = getComputedStyle(originals[index]);
		for (const name of STYLES) set(element, { [name]: style.getPropertyValue(name) });
		element.removeAttribute("style");
	});
	copy.querySelector(".marker")?.remove();
	return copy;
}
