/** The page: finds out who is signed in, and shows what belongs to the address. */

import * as api from "./api.js";
import { Dashboard } from "./dashboard.js";
import { byId, on } from "./dom.js";
import { keepFilters, NO_FILTERS } from "./filters.js";
import { Session, userInCookie } from "./session.js";
import { openSignIn } from "./sign-in.js";

const session = new Session(() => show("Your session has ended. Sign in to go on where you were."), switched);
let dashboard = null;
let leaving = null;

/** Show the page of the user, or the form that leads to it. */
function show(note = "") {
	const { user } = session;
	const { pathname, search } = location;
	dashboard?.close();
	dashboard = null;
	byId("user").hidden = !user;
	byId("user-name").textContent = user?.username;
	byId("user-about").textContent = user && `${user.gender}, ${user.age}`;
	if (user) {
		if (pathname !== "/dashboard") history.replaceState(null, "", "/dashboard");
		dashboard = new Dashboard(session, user, note);
	} else {
		const path = pathname === "/register" ? pathname : "/login";
		// The way back stands in the history, not in the address: no link can set it.
		const back = pathname === "/dashboard" ? pathname + search : history.state?.back;
		history.replaceState({ back }, "", path);
		openSignIn(path, note, signedIn, follow);
	}
}

function follow(path) {
	history.pushState(history.state, "", path);
	show();
}

function signedIn(user) {
	session.begin(user);
	history.replaceState(null, "", history.state?.back ?? "/dashboard");
	show();
	document.querySelector("h1").focus();
}

function switched(user) {
	session.begin(user);
	show(`Another tab signed in as ${user.username}: this is the page of ${user.username} now.`);
}

async function logOut() {
	const { user } = session;
	try {
		await dashboard.finish();
		if (!(await session.check())) return;
		await api.logout();
	} catch (error) {
		byId("note").textContent = `You are still signed in. ${error.message}. Log out again in a moment.`;
		return;
	}
	keepFilters(user.id, NO_FILTERS, 0);
	session.begin(null);
	history.replaceState(null, "", "/login");
	show();
}

/** Look again who is signed in: another tab may have changed it. */
function lookAgain() {
	if (document.visibilityState !== "visible") return;
	if (session.user) session.check().catch(() => {}); // the next request will say what is wrong
	else if (userInCookie()) start();
}

/** Show at once what the cookie promises; the server has the last word. */
function start() {
	// Without the cookie there is no session: asking would only be answered with an error.
	session.begin(userInCookie());
	show();
	session.confirm().catch(() => {}); // nobody answers: the charts will say so
}

// A second click meanwhile would end by clearing the form that the first has led to.
const leave = () => (leaving ??= logOut().finally(() => (leaving = null)));

on(byId("log-out"), { click: leave });
on(window, { popstate: () => show(), focus: lookAgain });
on(document, { visibilitychange: lookAgain });
start();
