// What st.button's own shortcuts leave open: held keys, Korean input mode, the number pad, Escape out of the note,
// Enter on a button reached by Tab, and the overlay on "?".
const DECIDING = new Set(["Enter", "NumpadEnter", "KeyS", "KeyZ", "KeyF", "KeyB", "KeyA", "KeyD"]);
for (let digit = 1; digit <= 9; digit++) DECIDING.add(`Digit${digit}`).add(`Numpad${digit}`);
const CLASSES = { KeyS: "skip", KeyZ: "undo_last", KeyF: "cannot_tell", KeyB: "bad_listing", KeyA: "also", KeyD: "near_all" };

function typingIn(event) {
  return event.composedPath().find(
    (node) => node.tagName && (["INPUT", "TEXTAREA", "SELECT"].includes(node.tagName) || node.isContentEditable),
  );
}

function stop(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
}

function press(name) {
  document.querySelector(`[class*="st-key-label-${name}-"] button`)?.click();
}

export default function (component) {
  const { parentElement, data } = component;
  // Who came by a click in the sidebar would press its link again with Enter.
  const clicked = document.activeElement;
  if (clicked?.closest("[data-testid='stSidebar']") && !clicked.matches(":focus-visible")) clicked.blur();
  const opener = parentElement.querySelector("button");
  const overlay = parentElement.querySelector("dialog");
  opener.querySelector("span").textContent = data.open;
  overlay.querySelector("h2").textContent = data.title;
  const list = overlay.querySelector("dl");
  list.replaceChildren(
    ...data.keys.flatMap(([key, text]) => {
      const name = document.createElement("dt");
      const kbd = document.createElement("kbd");
      kbd.textContent = key;
      name.append(kbd);
      const meaning = document.createElement("dd");
      meaning.textContent = text;
      return [name, meaning];
    }),
  );
  const toggle = () => (overlay.open ? overlay.close() : overlay.showModal());
  opener.onclick = toggle;
  overlay.onclick = () => overlay.close();

  const onKey = (event) => {
    if (overlay.open) {
      if (event.key === "?" || event.key === "Escape") overlay.close();
      if (!["Tab", "F5"].includes(event.code) && !event.ctrlKey && !event.metaKey) stop(event);
      return;
    }
    const field = typingIn(event);
    if (field) {
      // Leaving the note saves it and gives the keys back.
      if (event.key === "Escape" && field.closest(".stTextInput")) field.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "?") {
      stop(event);
      toggle();
    } else if (event.repeat && DECIDING.has(event.code)) {
      stop(event); // a key held down decides once
    } else if (event.code === "Enter" && document.activeElement?.matches("button:focus-visible, a:focus-visible")) {
      event.stopImmediatePropagation(); // who walks by Tab means the button under the focus
    } else if (/^Numpad[1-9]$/.test(event.code) && /^[1-9]$/.test(event.key)) {
      stop(event);
      press(`take-${event.key}`);
    } else if (CLASSES[event.code] && !/^[\x20-\x7e]$/.test(event.key)) {
      // With Korean input on, S arrives as 'ㄴ': the key counts, not the letter.
      stop(event);
      press(CLASSES[event.code]);
    }
  };
  window.addEventListener("keydown", onKey, true);
  return () => window.removeEventListener("keydown", onKey, true);
}
