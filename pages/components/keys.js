// What st.button's own shortcuts leave open: held keys, Korean input mode, the number pad, Escape out of a field, keys
// while a box has the focus, Enter on a button reached by Tab, and the overlay on "?".
const DECIDING = /^(Enter|NumpadEnter|Key[A-Z]|Digit[1-9]|Numpad[1-9])$/;
const BOXES = ["checkbox", "radio"];

function typingIn(event) {
  return event.composedPath().find(
    (node) =>
      node.tagName &&
      ((node.tagName === "INPUT" && !BOXES.includes(node.type)) ||
        ["TEXTAREA", "SELECT"].includes(node.tagName) ||
        node.isContentEditable),
  );
}

function stop(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
}

// The button that has this key printed on it: each says its own.
function buttonOf(key) {
  const printed = [...document.querySelectorAll(".stMain .stButton kbd")].find((kbd) => kbd.textContent === key);
  return printed?.closest("button");
}

// Streamlit hears a letter as it is typed and nothing while a box has the focus. With Korean input on, S arrives as
// 'ㄴ' (or as no letter at all): the key counts then.
function pressWhatIsLeft(event) {
  const isTyped = /^[\x20-\x7e]$/.test(event.key);
  const isOnBox = BOXES.includes(event.target.type);
  let button = null;
  if (/^Numpad[1-9]$/.test(event.code) && isTyped) button = buttonOf(event.key);
  else if (!isTyped) button = buttonOf(/^Key([A-Z])$/.exec(event.code)?.[1]);
  else if (isOnBox) button = buttonOf(event.key.toUpperCase());
  if (!button) return;
  stop(event);
  button.click();
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
      // Leaving a field gives the keys back; a note is saved by it.
      if (event.key === "Escape" && field.closest(".stTextInput, .stSelectbox")) field.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "?") {
      stop(event);
      toggle();
    } else if (event.repeat && DECIDING.test(event.code)) {
      stop(event); // a key held down decides once
    } else if (event.code === "Enter" && document.activeElement?.matches("button:focus-visible, a:focus-visible")) {
      event.stopImmediatePropagation(); // who walks by Tab means the button under the focus
    } else {
      pressWhatIsLeft(event);
    }
  };
  window.addEventListener("keydown", onKey, true);
  return () => window.removeEventListener("keydown", onKey, true);
}
