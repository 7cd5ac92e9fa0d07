/** The two forms for somebody who is not signed in. */

import * as api from "./api.js";
import { byId, html, on, showView } from "./dom.js";

const FORMS = {
	"/login": { title: "Sign in", send: api.login, question: "New here?", other: "/register" },
	"/register": { title: "Create an account", send: api.register, question: "Have an account?", other: "/login" },
};

/**
 * Show the form of a path.
 * @param {string} path @param {string} note @param {(user: api.User) => void} onUser @param {(path: string) => void} onRoute
 */
export function openSignIn(path, note, onUser, onRoute) {
	const { title, send, question, other } = FORMS[path];
	showView("sign-in-view");
	const form = document.forms[0];
	document.title = `${title} · vigility`;
	for (const place of [form.querySelector("h1"), byId("submit")]) place.textContent = title;
	byId("note").textContent = note;
	byId("question").textContent = question;
	byId("other-form").append(FORMS[other].title);
	byId("other-form").href = other;
	if (path === "/login") byId("about").remove();
	else byId("password").autocomplete = "new-password";
	on(byId("other-form"), {
		click(event) {
			if (event.ctrlKey || event.metaKey || event.shiftKey) return;
			event.preventDefault();
			onRoute(other);
		},
	});
	on(form, {
		async submit(event) {
			event.preventDefault();
			const user = await submitted(form, send);
			if (user) onUser(user);
		},
	});
	byId("username").focus();
}

async function submitted(form, send) {
	const button = byId("submit");
	const fields = Object.fromEntries(new FormData(form));
	clearErrors(form);
	for (const name in fields) if (!fields[name]) showError(form, name, `Enter your ${name}.`);
	if (form.querySelector("[aria-invalid]")) return focusFirstError(form);
	button.disabled = true; // a second press of Enter must not register twice
	try {
		return await send(fields);
	} catch (error) {
		// The API begins a sentence about a field with the name of the field.
		const field = /^(username|password|age|gender)\b/i.exec(error.message)?.[0].toLowerCase();
		showError(form, field, sentenceOf(error));
		focusFirstError(form);
	} finally {
		button.disabled = false;
	}
}

function sentenceOf({ message, retryAfter, passing }) {
	const said = message.charAt(0).toUpperCase() + message.slice(1).replace(/\.$/, "");
	if (retryAfter > 0) return `${said}. Try again in ${Math.ceil(retryAfter)} s.`;
	return passing ? `${said}. Try again in a moment.` : `${said}.`;
}

function showError(form, name, sentence) {
	const input = form.elements[name];
	if (!input) return (byId("form-error").textContent = sentence);
	const id = `${name}-error`;
	input.after(html("p", { class: "error", id }, sentence));
	input.setAttribute("aria-invalid", "true");
	input.setAttribute("aria-describedby", id);
}

function clearErrors(form) {
	byId("form-error").textContent = "";
	for (const error of form.querySelectorAll(".field .error")) error.remove();
	for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}

function focusFirstError(form) {
	form.querySelector("[aria-invalid]")?.focus();
}
