/** UTC days as the API writes them (YYYY-MM-DD), and counts, as text. */

export const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Whether this is a calendar day, from year 1 to 9999. */
export function isDay(day) {
	try {
		return day.length === 10 && day > "0001" && new Date(day).toISOString().startsWith(day);
	} catch {
		return false;
	}
}

/** "5 Jan 2026" */
export function dayInWords(day) {
	return `${+day.slice(8)} ${MONTHS[+day.slice(5, 7) - 1]} ${+day.slice(0, 4)}`;
}

/** "Mon 5 Jan 2026" */
export function dayWithWeekday(day) {
	return `${new Date(day).toUTCString().slice(0, 3)} ${dayInWords(day)}`;
}

/** "1,234" */
export const inWords = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ","); // Intl is slow to start

/** "1 event", "1,234 events" */
export const counted = (count, thing = "event") => `${inWords(count)} ${thing}${count === 1 ? "" : "s"}`;

/** @param {{count: number}[]} entries */
export const totalOf = (entries) => entries.reduce((sum, { count }) => sum + count, 0);
