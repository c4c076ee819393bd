"""What a refusal of Slack means to the person who has to put it right: one sentence for each error code."""

from collections.abc import Mapping
from types import MappingProxyType

_TOKEN = "put the bot token of the installed app (xoxb-…) into SLACK_BOT_TOKEN and start the bot again"  # noqa: S105

ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "channel_not_found": "there is no such channel, or it is private and the bot is not in it; "
        "correct `channel` in badday.yaml, or type /invite @badday in it",
        "not_in_channel": "the bot is not in the channel; type /invite @badday in it",
        "is_archived": "the channel is archived; unarchive it or name another one in badday.yaml",
        "restricted_action": "the channel's posting rules keep the bot out; let apps post there",
        "restricted_action_read_only_channel": "only some people may post in the channel; let apps post there",
        "restricted_action_thread_only_channel": "the channel takes only replies in threads; name another channel",
        "invalid_auth": f"Slack does not know the bot token; {_TOKEN}",
        "not_authed": f"no bot token was sent; {_TOKEN}",
        "no_such_subteam": "there is no such user group; correct `slack` of the group in badday.yaml",
        "paid_teams_only": "user groups need a paid plan; name the people of the group in badday.yaml instead",
        "plan_upgrade_required": "user groups need a paid plan; name the people of the group in badday.yaml instead",
        "permission_denied": "the workspace does not let the app do this; ask its administrator",
        "account_inactive": f"the app was removed from the workspace; install it again and {_TOKEN}",
        "token_revoked": f"the bot token was revoked; {_TOKEN}",
        "token_expired": f"the bot token has expired; {_TOKEN}",
        "not_allowed_token_type": "this is not a bot token; SLACK_BOT_TOKEN starts with xoxb-",
        "missing_scope": "the app lacks a scope; compare it with slack-manifest.yaml, then install it again",
        "users_not_found": "no Slack user has this e-mail address; correct it in badday.yaml, "
        "or give the person's `slack: U…` there",
        "user_not_found": "Slack has no such user; correct `slack` of the person in badday.yaml",
        "person_not_in_catalog": "badday.yaml has no such person any more; name another owner there",
        "user_disabled": "the Slack account is deactivated; name another owner in badday.yaml",
        "cannot_dm_bot": "this user is a bot, it cannot be paged; correct `slack` of the person in badday.yaml",
        "messages_tab_disabled": "the app takes no direct messages; switch on its Messages tab (slack-manifest.yaml)",
        "user_not_in_channel": "the person is not in the channel where the answer belongs",
        "message_not_found": "the message was deleted in Slack",
        "cant_update_message": "Slack does not let the bot edit this message",
        "edit_window_closed": "the workspace allows no edits of messages this old",
        "cannot_reply_to_message": "the thread's first message is gone",
        "thread_not_found": "the thread's first message is gone",
        "invalid_blocks": "Slack refuses the blocks; this is a mistake in Badday, please report it",
        "msg_blocks_too_long": "the message is too long; this is a mistake in Badday, please report it",
        "access_denied": "the workspace does not let the app do this; ask its administrator",
        "ekm_access_denied": "the workspace's administrators suspended posting",
        "team_access_not_granted": "the app is not granted to this workspace; ask its administrator",
    }
)


def sentence(error: str, detail: str = "") -> str:
    """What is wrong and what to do, with Slack's own code at the end."""
    advice = ADVICE.get(error, "Slack refused it; `badday doctor` may tell why")
    return f"{advice} (Slack: {error}{', ' + detail if detail else ''})"
