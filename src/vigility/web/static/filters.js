/** Filters: a frozen value, its form for the API and for people, and where it is kept. */

import { readCookie, writeCookie } from "./dom.js";
import { dayInWords, isDay } from "./dates.js";

/** @typedef {Readonly<Record<string, string>>} Filters startDate, endDate, ageGroup, gender; "" means no filter */

const AGES = { "<18": "Under 18", "18-40": "18 - 40", ">40": "Over 40" };

// The feature that using a filter is tracked as, and the filter's value as text if it is valid.
const RULES = {
	startDate: { feature: "date_filter", describe: (day) => isDay(day) && `From ${dayInWords(day)}` },
	endDate: { feature: "date_filter", describe: (day) => isDay(day) && `To ${dayInWords(day)}` },
	ageGroup: { feature: "age_filter", describe: (group) => Object.hasOwn(AGES, group) && AGES[group] },
	gender: { feature: "gender_filter", describe: (word) => ["Male", "Female", "Other"].includes(word) && word },
};

/** Filters with the valid values of `raw`. */
export function filtersOf(raw) {
	const pairs = Object.entries(RULES).map(([name, { describe }]) => [name, describe(raw?.[name]) ? raw[name] : ""]);
	return Object.freeze(Object.fromEntries(pairs));
}

export const NO_FILTERS = filtersOf({});

/** The filters that are set, with their text. */
export function active(filters) {
	const set = Object.entries(RULES).filter(([name]) => filters[name]);
	return set.map(([name, { describe }]) => ({ name, words: describe(filters[name]) }));
}

/** The features that were used to get from one to the other. */
export function used(before, after) {
	const changed = Object.keys(RULES).filter((name) => before[name] !== after[name]);
	return [...new Set(changed.map((name) => RULES[name].feature))];
}

/** "From 1 Jan 2026, Female" */
export const filtersInWords = (filters) => active(filters).map(({ words }) => words).join(", ") || "All users, all days";

/** The query of GET /analytics. */
export function queryOf(filters, feature) {
	return new URLSearchParams(Object.entries({ ...filters, feature }).filter(([, value]) => value));
}

const KEPT = "vigility_filters_";

export const keptFilters = (userId) => filtersOf(readCookie(KEPT + userId));

/** @param {number} [seconds] 0 deletes them */
export function keepFilters(userId, filters, seconds = 7 * 24 * 3600) {
	writeCookie(KEPT + userId, filters, seconds);
}
