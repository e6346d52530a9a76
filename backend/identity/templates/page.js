"use strict";
// The secret stands behind the # of the link: browsers keep that to themselves, so it is in no server's log.
const form = document.getElementById("form");
const message = document.getElementById("message");
const token = new URLSearchParams(location.hash.slice(1)).get("token");

function say(text, ended) {
  message.textContent = text;
  if (ended) form.hidden = true;
}

async function save(event) {
  event.preventDefault();
  const password = document.getElementById("password").value;
  if (password !== document.getElementById("again").value) return say(form.dataset.differ);
  try {
    const answer = await fetch(form.dataset.post, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token, password }),
    });
    if (answer.ok) return say(form.dataset.done, true);
    const refused = await answer.json();
    const fields = (refused.fields || []).map((one) => one.field);
    if (fields.includes("token")) return say(form.dataset.spent, true);
    say(fields.includes("password") ? form.dataset.poor : form.dataset.failed);
  } catch {
    say(form.dataset.failed);
  }
}

if (token) {
  history.replaceState(null, "", location.pathname + location.search);
  form.addEventListener("submit", save);
} else {
  say(form.dataset.noToken, true);
}
