/** The entry point: finds out who is signed in, and shows the view for the address. */

import * as api from "./api.js";
import { Dashboard } from "./dashboard.js";
import { byId, on } from "./dom.js";
import { keepFilters, NO_FILTERS } from "./filters.js";
import { Session, userInCookie } from "./session.js";
import { openSignIn } from "./sign-in.js";

const session = new Session(() => show("Your session has ended. Sign in to go on where you were."), switched);
let dashboard = null;
let leaving = null;

/** Show the user's dashboard, or the form to sign in. */
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
		// Kept in the history and not in the address, so that no link can set it.
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
	show(`Another tab signed in as ${user.username}: this is the dashboard of ${user.username} now.`);
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

/** Check who is signed in: another tab may have changed it. */
function recheck() {
	if (document.visibilityState !== "visible") return;
	if (session.user) session.check().catch(() => {}); // the next request reports the error
	else if (userInCookie()) start();
}

/** Show at once what the cookie says. The server decides. */
function start() {
	// Without the cookie there is no session, and asking would only return an error.
	session.begin(userInCookie());
	show();
	session.confirm().catch(() => {}); // no response: the charts report it
}

// Without this, a second click would clear the form that the first one led to.
const leave = () => (leaving ??= logOut().finally(() => (leaving = null)));

on(byId("log-out"), { click: leave });
on(window, { popstate: () => show(), focus: recheck });
on(document, { visibilitychange: recheck });
start();
