/** The selects of Block Kit, single and multiple: of given options, people, channels or conversations. */

import { combobox } from "../combobox.js";
import { words } from "../mrkdwn.js";
import { avatar } from "../people.js";
import { store } from "../store.js";
import { changed, focusKey } from "./dispatch.js";

const optionKey = (option) => option?.value;
const optionItem = (option) => ({
  key: option.value,
  label: words(option.text),
  hint: option.description && words(option.description),
  option,
});

function optionGroups(element) {
  if (element.option_groups)
    return element.option_groups.map((group) => ({
      label: words(group.label),
      options: group.options.map(optionItem),
    }));
  return [{ options: (element.options ?? []).map(optionItem) }];
}

const personItem = (user) => ({
  key: user.id,
  label: user.real_name || user.name,
  hint: `@${user.name}`,
  face: () => avatar(user.id, "small"),
});
const channelItem = (channel) => ({
  key: channel.id,
  label: channel.kind === "dm" ? store.channelTitle(channel) : `#${channel.name}`,
  face: channel.kind === "dm" ? () => avatar(store.other(channel), "small") : undefined,
});

/** Everybody who can be chosen: people by name, then the app. */
const people = () => [
  {
    options: [
      ...store.people().sort((a, b) => store.displayName(a.id).localeCompare(store.displayName(b.id))),
      ...[...store.users.values()].filter((user) => store.isApp(user.id)),
    ].map(personItem),
  },
];
const channels = (kinds) => () => [
  { options: [...store.channels.values()].filter((channel) => kinds.includes(channel.kind)).map(channelItem) },
];

/** What each select offers, how its state is spelled, and where its initial value stands. */
export const SELECTS = {
  static_select: { groups: optionGroups, state: "selected_option", initial: "initial_option", of: optionKey },
  external_select: {
    groups: (element) => [{ options: element.initial_option ? [optionItem(element.initial_option)] : [] }],
    state: "selected_option",
    initial: "initial_option",
    of: optionKey,
  },
  users_select: { groups: people, state: "selected_user", initial: "initial_user" },
  channels_select: { groups: channels(["channel"]), state: "selected_channel", initial: "initial_channel" },
  conversations_select: {
    groups: channels(["channel", "dm"]),
    state: "selected_conversation",
    initial: "initial_conversation",
  },
  multi_static_select: {
    groups: optionGroups,
    state: "selected_options",
    initial: "initial_options",
    of: optionKey,
    multiple: true,
  },
  multi_external_select: {
    groups: (element) => [{ options: (element.initial_options ?? []).map(optionItem) }],
    state: "selected_options",
    initial: "initial_options",
    of: optionKey,
    multiple: true,
  },
  multi_users_select: { groups: people, state: "selected_users", initial: "initial_users", multiple: true },
  multi_channels_select: {
    groups: channels(["channel"]),
    state: "selected_channels",
    initial: "initial_channels",
    multiple: true,
  },
  multi_conversations_select: {
    groups: channels(["channel", "dm"]),
    state: "selected_conversations",
    initial: "initial_conversations",
    multiple: true,
  },
};

export function select(element, block, context) {
  const kind = SELECTS[element.type];
  const groups = kind.groups(element);
  const byKey = new Map(groups.flatMap((group) => group.options).map((item) => [item.key, item]));
  const kept = context.get?.(block, element)?.[kind.state] ?? element[kind.initial];
  const chosen = [kept ?? []]
    .flat()
    .map((one) => (kind.of ? kind.of(one) : one))
    .filter(Boolean);
  const value = (keys) => {
    const values = keys.map((key) => (kind.of ? byKey.get(key).option : key));
    return { [kind.state]: kind.multiple ? values : (values[0] ?? null) };
  };
  if (kept !== undefined && kept !== null && context.set)
    context.set(block, element, { type: element.type, ...value(chosen.filter((key) => byKey.has(key))) });
  const node = combobox({
    groups,
    chosen,
    multiple: Boolean(kind.multiple),
    most: element.max_selected_items ?? Infinity,
    placeholder: element.placeholder ? words(element.placeholder) : "Choose…",
    label: context.label ?? words(element.placeholder),
    describedBy: context.describedBy,
    key: context.controlId,
    focusKey: focusKey(block, element),
    onChange: (keys) => changed(node, element, block, context, value(keys)),
  });
  node.dataset.action = element.action_id;
  return node;
}
