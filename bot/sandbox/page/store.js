/** What the page knows of the workspace, and who wants to hear when it changes. */

import { read } from "./api.js";

const REMEMBERED = "workspace.user";

class Store extends EventTarget {
  workspace = { name: "" };
  app = { name: "", bot_user_id: null, connected: false };
  me = null;
  users = new Map();
  channels = new Map();
  commands = [];
  shortcuts = [];
  offset = 0;

  /** Reads the whole state as the person `who` (default: the one remembered, else the workspace's choice). */
  async load(who = localStorage.getItem(REMEMBERED)) {
    const state = await this.#stateFor(who);
    this.workspace = state.workspace ?? this.workspace;
    this.app = { ...this.app, ...state.app };
    this.users = new Map(state.users.map((user) => [user.id, user]));
    this.channels = new Map(state.channels.map((channel) => [channel.id, channel]));
    this.commands = state.commands ?? [];
    this.shortcuts = state.shortcuts ?? [];
    this.me = state.me.id;
    const clock = await read("clock").catch(() => null);
    this.offset = Date.parse(clock?.now) - Date.now() || 0;
    this.tell("state");
  }

  /** The state as seen by `who`, or by the first person there is where that name is not known (any more). */
  async #stateFor(who) {
    if (who) {
      try {
        return await read("state", { user: who });
      } catch (error) {
        if (error.code === "unreachable") throw error;
        localStorage.removeItem(REMEMBERED);
      }
    }
    const anyone = await read("state");
    const first = anyone.users.find((user) => !user.is_bot);
    return read("state", { user: first.id });
  }

  remember(user) {
    localStorage.setItem(REMEMBERED, this.user(user).name);
  }

  tell(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  hear(names, listener) {
    for (const name of [names].flat()) this.addEventListener(name, (event) => listener(event.detail, name));
  }

  /** The workspace's clock, which a test or a demo may have moved. */
  now() {
    return new Date(Date.now() + this.offset);
  }

  user(id) {
    return (
      this.users.get(id) ?? { id, name: id ?? "unknown", real_name: id ?? "Unknown", is_bot: false, unknown: true }
    );
  }

  displayName(id) {
    const user = this.user(id);
    return user.real_name || user.name || id;
  }

  people() {
    return [...this.users.values()].filter((user) => !user.is_bot && !user.deleted && user.id !== "USLACKBOT");
  }

  isApp(id) {
    return id === this.app.bot_user_id;
  }

  channelTitle(channel) {
    return channel.kind === "dm" ? this.displayName(this.other(channel)) : channel.name;
  }

  other(channel) {
    return channel.other ?? (channel.members ?? []).find((member) => member !== this.me) ?? this.me;
  }

  appChannel() {
    return [...this.channels.values()].find((channel) => channel.kind === "dm" && this.isApp(this.other(channel)));
  }

  findChannel(idOrName) {
    return (
      this.channels.get(idOrName) ??
      [...this.channels.values()].find((channel) => channel.kind !== "dm" && channel.name === idOrName)
    );
  }
}

export const store = new Store();
