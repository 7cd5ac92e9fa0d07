/** Filters: a frozen value, how it is written for the API and for people, and where it is kept. */

import { readCookie, writeCookie } from "./cookies.js";
import { dayInWords, isDay } from "./dates.js";

/** @typedef {Readonly<Record<string, string>>} Filters startDate, endDate, ageGroup, gender; "" filters nothing */

const KEPT_SECONDS = 7 * 24 * 3600;
const AGES = { "<18": "Under 18", "18-40": "18 - 40", ">40": "Over 40" };
const GENDERS = { Male: "Male", Female: "Female", Other: "Other" };

// The label of a filter, the feature that its use is tracked as, and its value in words ("" where invalid).
const RULES = {
	startDate: ["Start Date", "date_filter", (day) => isDay(day) && `From ${dayInWords(day)}`],
	endDate: ["End Date", "date_filter", (day) => isDay(day) && `To ${dayInWords(day)}`],
	ageGroup: ["Age Group", "age_filter", (group) => Object.hasOwn(AGES, group) && AGES[group]],
	gender: ["Gender", "gender_filter", (gender) => Object.hasOwn(GENDERS, gender) && gender],
};

/** Filters of what is valid in `raw`. @param {any} raw @returns {Filters} */
export function filtersOf(raw) {
	const pairs = Object.entries(RULES).map(([name, [, , words]]) => [name, words(raw?.[name]) ? raw[name] : ""]);
	return Object.freeze(Object.fromEntries(pairs));
}

/** The filters that are set, for people. @param {Filters} filters */
export function active(filters) {
	const set = Object.keys(RULES).filter((name) => filters[name]);
	return set.map((name) => ({ name, label: RULES[name][0], words: RULES[name][2](filters[name]) }));
}

/** What was used to get from one to the other: each kind of filter once. @param {Filters} before @param {Filters} after */
export function used(before, after) {
	const changed = Object.keys(RULES).filter((name) => before[name] !== after[name]);
	return [...new Set(changed.map((name) => RULES[name][1]))];
}

/** @param {Filters} filters */
export const filtersInWords = (filters) => active(filters).map(({ words }) => words).join(", ") || "All users, all days";

/** The query of GET /analytics. @param {Filters} filters @param {string} feature */
export function queryOf(filters, feature) {
	const set = Object.entries({ ...filters, feature }).filter(([, value]) => value);
	return new URLSearchParams(set);
}

const cookieOf = (userId) => `vigility_filters_${userId}`;

/** @param {number} userId */
export const keptFilters = (userId) => filtersOf(readCookie(cookieOf(userId)));

/** @param {number} userId @param {Filters} filters */
export const keepFilters = (userId, filters) => writeCookie(cookieOf(userId), filters, KEPT_SECONDS);

/** @param {number} userId */
export const forgetFilters = (userId) => writeCookie(cookieOf(userId), null, 0);
