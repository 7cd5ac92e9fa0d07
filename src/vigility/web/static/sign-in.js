/** The forms to sign in and to create an account. */

import * as api from "./api.js";
import { byId, html, on, set, showView } from "./dom.js";

const FORMS = {
	"/login": { title: "Sign in", send: api.login, question: "New here?", other: "/register" },
	"/register": { title: "Create an account", send: api.register, question: "Have an account?", other: "/login" },
};

/** @param {(user: api.User) => void} onUser @param {(path: string) => void} onRoute */
export function openSignIn(path, note, onUser, onRoute) {
	const { title, send, question, other } = FORMS[path];
	showView("sign-in-view", title);
	const link = byId("other-form");
	const texts = { title, submit: title, note, question, "other-form": FORMS[other].title };
	for (const id in texts) byId(id).textContent = texts[id];
	link.href = other;
	if (path === "/login") byId("about").remove();
	else set(byId("password"), { autocomplete: "new-password", placeholder: "8 characters or more" });
	on(link, {
		click(event) {
			if (event.ctrlKey || event.metaKey || event.shiftKey) return;
			event.preventDefault();
			onRoute(other);
		},
	});
	on(byId("sign-in"), {
		async submit(event) {
			event.preventDefault();
			const user = await submitted(event.target, send);
			if (user) onUser(user);
		},
	});
	byId("username").focus();
}

async function submitted(form, send) {
	const fields = Object.fromEntries(new FormData(form));
	clearErrors(form);
	for (const name in fields) if (!fields[name]) showError(form, name, `Enter your ${name}.`);
	if (form.querySelector("[aria-invalid]")) return null;
	byId("submit").disabled = true; // a second Enter must not register twice
	try {
		return await send(fields);
	} catch (error) {
		byId("submit").disabled = false;
		// The API starts a sentence about a field with the field's name.
		const field = /^(username|password|age|gender)\b/i.exec(error.message)?.[0].toLowerCase();
		showError(form, field, sentenceOf(error));
	}
}

function sentenceOf({ message, retryAfter, temporary }) {
	const text = message.charAt(0).toUpperCase() + message.slice(1).replace(/\.$/, "");
	if (retryAfter > 0) return `${text}. Try again in ${Math.ceil(retryAfter)} s.`;
	return temporary ? `${text}. Try again in a moment.` : `${text}.`;
}

function showError(form, name, sentence) {
	const input = form.elements[name];
	if (!input) return (byId("form-error").textContent = sentence);
	const id = `${name}-error`;
	input.after(html("p", { class: "error", id }, sentence));
	set(input, { "aria-invalid": true, "aria-describedby": id });
	form.querySelector("[aria-invalid]").focus();
}

function clearErrors(form) {
	byId("form-error").textContent = "";
	for (const error of form.querySelectorAll(".field .error")) error.remove();
	for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}
