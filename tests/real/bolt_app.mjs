// A small app on the JavaScript Bolt, unmodified: it tells on standard output what reached it.
import bolt from "@slack/bolt";

const app = new bolt.App({
  token: process.env.SLACK_BOT_TOKEN,
  appToken: process.env.SLACK_APP_TOKEN,
  socketMode: true,
  logLevel: "error",
  clientOptions: { slackApiUrl: process.env.SLACK_API_URL },
});
const tell = (name, data) => console.log(JSON.stringify({ name, ...data }));
const plain = (text) => ({ type: "plain_text", text });
const modal = {
  type: "modal",
  callback_id: "report",
  title: plain("Report"),
  submit: plain("Send"),
  blocks: [
    {
      type: "input",
      block_id: "b",
      label: plain("What"),
      element: { type: "plain_text_input", action_id: "what" },
    },
  ],
};

app.event("app_mention", async ({ event, say }) => {
  const button = { type: "button", text: plain("Go"), action_id: "go", value: "v1" };
  await say({ text: "hello", thread_ts: event.ts, blocks: [{ type: "actions", elements: [button] }] });
  tell("mention", { text: event.text });
});
app.command("/badday", async ({ command, ack, client }) => {
  await ack({ text: `you said ${command.text}` });
  await client.views.open({ trigger_id: command.trigger_id, view: modal });
  tell("command", { text: command.text });
});
app.action("go", async ({ action, ack, respond }) => {
  await ack();
  await respond({ text: "clicked", replace_original: false });
  tell("click", { value: action.value });
});
app.view("report", async ({ view, ack }) => {
  const value = view.state.values.b.what.value;
  await (value === "bad" ? ack({ response_action: "errors", errors: { b: "Say more" } }) : ack());
  tell("submit", { value });
});
app.shortcut("report_output", async ({ shortcut, ack }) => {
  await ack();
  tell("shortcut", { text: shortcut.message.text });
});
app.event("app_home_opened", async ({ event, client }) => {
  await client.views.publish({ user_id: event.user, view: { type: "home", blocks: [{ type: "divider" }] } });
  tell("home", {});
});
app.event("message", async () => {});
app.event("file_shared", async ({ event }) => tell("file", { id: event.file_id }));

await app.start();
const channel = (await app.client.conversations.list()).channels.find((one) => one.name === "support-bot").id;
const uploaded = await app.client.filesUploadV2({ channel_id: channel, filename: "a.txt", content: "hello" });
tell("ready", { uploaded: uploaded.files[0].files[0].name });
