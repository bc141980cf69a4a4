// Draws /status.json every second. Everything is set as text, never as markup.
"use strict";

const NAMES = {
  ringback_longpoll_waiting: "Held polls",
  ringback_rentals_active: "Open rentals",
  ringback_numbers: "Numbers",
  ringback_numbers_free: "Numbers free",
  ringback_numbers_active: "Numbers rented",
  ringback_numbers_cooling: "Numbers cooling down",
  ringback_numbers_quarantined: "Numbers in quarantine",
  ringback_delivery_due: "Deliveries owed",
  ringback_delivery_held: "of these held",
  ringback_delivery_oldest_due_age_seconds: "Oldest owed, s",
  ringback_connections: "Connections",
  ringback_store_sync_p50_seconds: "Sync to disk, ms",
  ringback_messages_total: "Messages",
  ringback_inbound_rejected_total: "Requests refused",
  ringback_inbound_duplicates_total: "Duplicates",
  ringback_delivery_attempts_total: "Delivery attempts",
};
const SAMPLES_MAX = 300;
const samples = [];

function show(list, values) {
  list.replaceChildren(...Object.entries(values).filter(([name]) => NAMES[name]).map(([name, value]) => {
    const row = document.createElement("div");
    const term = document.createElement("dt");
    const data = document.createElement("dd");
    term.textContent = NAMES[name];
    data.textContent = name.endsWith("p50_seconds") ? (value * 1000).toFixed(2) : value.toLocaleString("en", { maximumFractionDigits: 1 });
    row.append(term, data);
    return row;
  }));
}

function draw(svg) {
  const rates = samples.slice(1).map((sample, i) => Math.max(0, (sample.count - samples[i].count) / Math.max(0.001, (sample.at - samples[i].at) / 1000)));
  const top = Math.max(1, ...rates);
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  line.setAttribute("points", rates.map((rate, i) => `${(600 * i) / Math.max(1, SAMPLES_MAX - 2)},${115 - (110 * rate) / top}`).join(" "));
  document.getElementById("top").textContent = `highest ${top.toFixed(1)}`;
  svg.replaceChildren(line);
}

async function refresh() {
  const state = document.getElementById("state");
  try {
    const status = await (await fetch("/status.json")).json();
    state.textContent = status.ready ? "ready" : "not ready";
    state.className = status.ready ? "ready" : "not-ready";
    show(document.getElementById("gauges"), status.gauges);
    show(document.getElementById("totals"), status.totals);
    samples.push({ at: Date.now(), count: status.totals.ringback_messages_total });
    if (samples.length > SAMPLES_MAX) samples.shift();
    draw(document.getElementById("rate"));
    document.getElementById("about").textContent = `Version ${status.version}, up since ${status.startedAt}`;
  } catch {
    state.textContent = "no answer from the gateway";
    state.className = "not-ready";
  }
}

refresh();
setInterval(refresh, 1000);
