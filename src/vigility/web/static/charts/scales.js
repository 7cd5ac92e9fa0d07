/** Positions on an axis, and the width of text. */

import { MONTHS } from "../dates.js";

const canvas = document.createElement("canvas").getContext("2d");

/** The width of a text in the charts' font. */
export function widthOf(text) {
	canvas.font = `13px ${getComputedStyle(document.body).fontFamily}`;
	return canvas.measureText(text).width;
}

/** The text, cut with an ellipsis if it does not fit. */
export function fitted(text, width) {
	if (widthOf(text) <= width) return text;
	const letters = Array.from(text); // code points: half an emoji is no letter
	while (letters.length && widthOf(`${letters.join("")}…`) > width) letters.pop();
	return `${letters.join("")}…`;
}

/** Round whole numbers from 0 to at least `highest`, some four steps apart. */
export function countTicks(highest) {
	const rough = Math.max(1, highest / 4);
	const power = 10 ** Math.floor(Math.log10(rough));
	const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
	return Array.from({ length: Math.ceil(highest / step) + 1 }, (_, index) => index * step);
}

/** Which days to label, and how. @param {import("../api.js").Point[]} points @param {number} most labels */
export function dayTicks(points, most) {
	const rough = points.length / Math.max(1, most); // days for each label
	const days = points.length < 120 && [1, 2, 7, 14, 28].find((step) => step >= rough);
	const months = [1, 2, 3, 6].find((step) => step * 30 >= rough);
	const years = [1, 2, 5, 10, 20, 50, 100, 1000].find((step) => step * 365 >= rough);
	return points.flatMap(({ date }, index) => {
		const [year, month, day] = date.split("-").map(Number);
		if (days) return (points.length - 1 - index) % days ? [] : { index, words: `${day} ${MONTHS[month - 1]}` };
		if (day > 1 || (months ? (month - 1) % months : month > 1 || year % years)) return [];
		return { index, words: month > 1 ? MONTHS[month - 1] : String(year) };
	});
}

/** The mean of each count with its neighbours, `width` of them in all. @param {number[]} counts */
export function movingMeans(counts, width) {
	return counts.map((_, index) => {
		const near = counts.slice(Math.max(0, index - (width >> 1)), index + ((width + 1) >> 1));
		return near.reduce((sum, count) => sum + count) / near.length;
	});
}
