// The category picker in the browser. It is mounted twice under one key: the `box` that people see lives in
// the page's fragment, so that a pick reruns that; the `line` lives in a fragment of its own, so that asking
// the server for hits reruns nothing else. Both share this module. Text from outside is only ever textContent.

const DEBOUNCE_MS = 50
const GIVE_UP_MS = 3000 // an answer that got lost must not silence the line
const SWALLOW_MS = 400 // after a pick, a second Enter or a held one is not meant for the page
const PAGE = 8

const links = new Map() // key -> { send, box }
const boxes = new WeakMap() // root element -> Box

export default function ({ data, parentElement, setTriggerValue }) {
  if (!data) return
  if (!links.has(data.key)) links.set(data.key, {})
  const link = links.get(data.key)
  if (data.role === "line") {
    link.send = (request) => setTriggerValue("request", request)
    if (data.answer) link.box?.receive(data.answer)
    return () => {
      link.send = undefined
      forget(data.key, link)
    }
  }
  let box = boxes.get(parentElement)
  if (!box) {
    box = new Box(parentElement, link)
    boxes.set(parentElement, box)
  }
  link.box = box
  box.update(data, (id) => setTriggerValue("picked", id))
  return () => {
    box.dispose()
    boxes.delete(parentElement)
    if (link.box === box) link.box = undefined
    forget(data.key, link)
  }
}

function forget(key, link) {
  if (!link.box && !link.send && links.get(key) === link) links.delete(key)
}

class Box {
  constructor(root, link) {
    this.link = link
    this.input = root.querySelector("input")
    this.panel = root.querySelector(".panel")
    this.trail = root.querySelector(".trail")
    this.list = root.querySelector("ul")
    this.count = root.querySelector(".count")
    this.keys = root.querySelector(".keys")
    this.asked = this.shown = 0 // numbers of the last request and of the answer on the screen
    this.items = []
    this.parents = [] // of the level that is browsed, the root first
    this.active = 0
    // A picker beside the page leaves the slash to the page's own.
    this.isAside = Boolean(root.host?.closest("[data-testid='stSidebar']"))
    root.querySelector("kbd").hidden = this.isAside
    this.listen(root.querySelector(".picker"))
  }

  listen(picker) {
    this.disposal = new AbortController()
    const on = (target, names, handle, options) =>
      names.split(" ").forEach((name) =>
        target.addEventListener(name, handle, { signal: this.disposal.signal, ...options }))
    on(this.input, "input", () => this.ask())
    on(this.input, "focus click", () => this.open())
    on(this.input, "blur", () => this.close())
    on(this.input, "keydown", (event) => this.press(event))
    // What is typed here is typed for the picker: the page's own keys must not hear it.
    on(picker, "keydown keypress keyup", (event) => event.stopPropagation())
    on(this.panel, "mousedown", (event) => event.preventDefault()) // the field keeps the focus
    on(document, "keydown", (event) => this.summon(event), { capture: true })
    on(window, "resize", () => this.place())
    on(window, "scroll", () => this.place(), { capture: true, passive: true })
  }

  update(data, pick) {
    this.data = data
    this.send = pick
    this.input.placeholder = data.words.placeholder
    this.input.setAttribute("aria-label", data.words.placeholder)
    this.list.setAttribute("aria-label", data.words.list)
    this.keys.textContent = data.words.keys
  }

  dispose() {
    this.disposal.abort()
    clearTimeout(this.timer)
    if (this.panel.matches(":popover-open")) this.panel.hidePopover()
  }

  // --- asking and showing

  open() {
    if (this.isOpen) return
    this.isOpen = true
    this.input.setAttribute("aria-expanded", "true")
    this.ask(null, 0)
  }

  close() {
    this.isOpen = false
    clearTimeout(this.timer)
    this.wanted = this.enterOn = undefined
    this.asked += 1 // what is still under way comes too late
    this.input.setAttribute("aria-expanded", "false")
    if (this.panel.matches(":popover-open")) this.panel.hidePopover()
  }

  ask(parent = null, delay = DEBOUNCE_MS) {
    const words = this.input.value.trim()
    this.enterOn = undefined
    if (!words && !this.data.browse) {
      this.asked += 1
      this.show({ seq: this.asked, items: [], total: 0, trail: [], idle: true })
      return
    }
    this.asked += 1
    this.wanted = words ? { seq: this.asked, words } : { seq: this.asked, parent }
    this.list.classList.toggle("waiting", this.items.length > 0)
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.flush(), delay)
  }

  flush() {
    const isWaiting = this.sentAt && performance.now() - this.sentAt < GIVE_UP_MS
    if (!this.wanted || isWaiting || !this.link.send) {
      // One request at a time: the newest goes out when the answer comes (or is given up).
      if (this.wanted) this.timer = setTimeout(() => this.flush(), DEBOUNCE_MS)
      return
    }
    this.sentAt = performance.now()
    this.link.send(this.wanted)
    this.wanted = undefined
  }

  receive(answer) {
    this.sentAt = undefined
    if (this.wanted) {
      clearTimeout(this.timer)
      this.flush()
    }
    if (!this.isOpen || answer.seq <= this.shown || answer.seq > this.asked) return
    this.show(answer)
    if (answer.seq !== this.asked) return
    this.list.classList.remove("waiting")
    const seen = this.enterOn
    this.enterOn = undefined
    // Enter came before the answer: it holds only if it meant what is still the best.
    if (seen !== undefined && this.items[0]?.id === seen) this.choose(0)
  }

  show(answer) {
    this.shown = answer.seq
    this.items = answer.items
    this.parents = answer.trail
    this.isBrowsing = answer.browsing
    this.list.replaceChildren(...answer.items.map((item, i) => this.row(item, i)))
    this.list.scrollTop = 0
    this.showTrail()
    const words = this.data.words
    this.count.textContent = answer.idle ? ""
      : answer.items.length === 0 ? (answer.browsing ? words.empty : words.nothing)
      : answer.total > answer.items.length ? fill(words.some, { shown: answer.items.length, total: answer.total })
      : fill(words.all, { total: answer.total })
    this.activate(0)
    if (!this.panel.matches(":popover-open")) this.panel.showPopover()
    this.place()
  }

  row(item, i) {
    const row = make("li", { id: `picker-${i}`, role: "option" })
    const path = make("span", { className: "path" })
    if (item.above.length) path.append(make("span", { className: "above", textContent: item.above.join(" › ") + " › " }))
    path.append(make(item.leaf || !this.isBrowsing ? "strong" : "span", { textContent: item.name }))
    if (item.other) path.append(make("span", { className: "other", textContent: item.other }))
    row.append(path)
    const mark = item.leaf ? (item.matched === "similar" ? this.data.words.similar : "") : `${item.children} ›`
    if (mark) row.append(make("span", { className: item.leaf ? "mark" : "mark inside", textContent: mark }))
    row.querySelector(".inside")?.addEventListener("click", (event) => {
      if (!this.data.browse) return
      event.stopPropagation() // opens the node where a click on its name would take it
      this.descend(i)
    })
    row.dataset.id = item.id
    row.addEventListener("click", () => this.choose(i))
    return row
  }

  showTrail() {
    if (!this.isBrowsing) return this.trail.replaceChildren()
    const steps = [{ id: null, name: this.data.words.top }, ...this.parents]
    this.trail.replaceChildren(...steps.map((step) => {
      const button = make("button", { type: "button", tabIndex: -1, textContent: step.name })
      button.addEventListener("click", () => this.ask(step.id, 0))
      return button
    }))
  }

  place() {
    if (!this.panel.matches(":popover-open")) return
    const field = this.input.parentElement.getBoundingClientRect()
    const below = window.innerHeight - field.bottom - 12
    const above = field.top - 12
    const wanted = 22 * parseFloat(getComputedStyle(document.documentElement).fontSize)
    const isBelow = below >= Math.min(wanted, 240) || below >= above
    const height = Math.max(120, Math.min(wanted, isBelow ? below : above))
    const width = Math.min(Math.max(field.width, 380), window.innerWidth - 16)
    Object.assign(this.panel.style, {
      left: `${Math.max(8, Math.min(field.left, window.innerWidth - width - 8))}px`,
      top: `${isBelow ? field.bottom + 4 : field.top - height - 4}px`,
      width: `${width}px`,
      height: `${height}px`,
    })
  }

  // --- keys

  summon(event) {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
    const origin = event.composedPath()[0]
    if (origin?.matches?.("input, textarea, select, [contenteditable='true']")) return
    if (!this.input.offsetParent || document.querySelector("[data-testid='stDialog']")) return
    if (this.isAside) return
    event.preventDefault()
    event.stopImmediatePropagation() // one slash, one picker
    this.input.focus()
  }

  press(event) {
    // While a syllable is composed, Enter and the arrows belong to the input method; it sends them again after.
    if (event.isComposing || event.keyCode === 229) return
    const isBare = this.isBrowsing && this.input.value === ""
    const handle = {
      ArrowDown: () => this.activate(this.active + 1),
      ArrowUp: () => this.activate(this.active - 1),
      PageDown: () => this.activate(Math.min(this.active + PAGE, this.items.length - 1)),
      PageUp: () => this.activate(Math.max(this.active - PAGE, 0)),
      Enter: () => this.enter(event),
      Escape: () => this.leave(),
      ArrowRight: isBare && (() => this.descend(this.active)),
      ArrowLeft: isBare && (() => this.ascend()),
      Backspace: isBare && (() => this.ascend()),
    }[event.key]
    if (!handle) return
    event.preventDefault()
    handle()
  }

  activate(i) {
    const n = this.items.length
    if (n === 0) return this.input.removeAttribute("aria-activedescendant")
    this.active = (i + n) % n
    for (const row of this.list.children) row.setAttribute("aria-selected", "false")
    const row = this.list.children[this.active]
    row.setAttribute("aria-selected", "true")
    row.scrollIntoView({ block: "nearest" })
    this.input.setAttribute("aria-activedescendant", row.id)
  }

  enter(event) {
    if (event.repeat || !this.items.length) return
    if (this.shown === this.asked) this.choose(this.active)
    else this.enterOn = this.items[this.active].id
  }

  choose(i) {
    const item = this.items[i]
    if (!item) return
    if (!item.leaf && !this.data.pick_inner) return this.descend(i)
    this.leave()
    swallowEnter()
    this.send(item.id)
  }

  descend(i) {
    const item = this.items[i]
    if (!item || item.leaf || !this.data.browse) return
    this.input.value = ""
    this.ask(item.id, 0)
  }

  ascend() {
    if (this.parents.length) this.ask(this.parents.at(-2)?.id ?? null, 0)
  }

  leave() {
    this.input.value = ""
    this.items = []
    this.list.replaceChildren()
    this.input.blur()
  }
}

function swallowEnter() {
  const swallow = (event) => {
    if (event.key !== "Enter") return
    event.preventDefault()
    event.stopImmediatePropagation()
  }
  window.addEventListener("keydown", swallow, { capture: true })
  setTimeout(() => window.removeEventListener("keydown", swallow, { capture: true }), SWALLOW_MS)
}

function make(tag, properties) {
  return Object.assign(document.createElement(tag), properties)
}

function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name].toLocaleString() : whole))
}
