package app

import "slices"

// allowances are all differences that are allowed. Each has to be needed.
var allowances = slices.Concat(
	// Requests.
	allowed(extra, `request files\.getUploadURLExternal`, "the method's document calls it so", "alt_txt"),

	// Answers. Their types are made from samples, which show neither null nor every name.
	allowed(null, "answer conversations.history", "null in the example of the method's document", "channel_actions_ts"),
	allowed(null, `answer views\.\w+`, "null in the examples of the methods' documents", "view.previous_view_id", "view.close"),
	allowed(null, `answer views\.publish`, "null in the example of the method's document", "view.submit"),
	allowed(extra, `answer conversations\.history`, "names of messages that the types of events have", "messages[].pinned_to"),
	allowed(extra, `answer conversations\.history`, "of people of other workspaces; the type of a mention has it",
		"messages[].source_team", "messages[].user_team"),
	allowed(extra, "event message", "of people of other workspaces; the type of a mention has it", "source_team", "user_team"),
	allowed(extra, `answer conversations\.replies`, "names of messages that the types of events have", "messages[].client_msg_id"),
	allowed(extra, `answer reactions\.get`, "names of messages that the types of events have", "message.client_msg_id", "message.thread_ts"),
	allowed(extra, `answer reactions\.get`, "of the head of a thread, as history says it", under("message.", headOfThread)...),
	allowed(extra, `answer chat\.update`, "an argument of the method", "message.attachments"),
	allowed(extra, `answer chat\.postMessage`, "the samples know only roots that apps wrote", "message.root.user"),
	allowed(extra, `answer conversations\.history`, "the samples know only roots that apps wrote", "messages[].root.user"),
	allowed(extra, `answer users\.list`, "of people of other workspaces; the type of an event has it", "members[].is_stranger"),
	allowed(extra, `answer usergroups\.list`, "in the example of the method's document", "usergroups[].auto_type"),

	// Events.
	allowed(null, "envelope", "null in the example of the Events API's document", "context_enterprise_id"),
	allowed(extra, "envelope", "in the example of the Events API's document", "event_context"),
	allowed(extra, `event message(/.*)?`, "who posted, as history says it", "app_id", "message.app_id", "previous_message.app_id"),
	allowed(lacks, `event message/(channel|group)_join`, "there only for who was invited, says the event's document", "inviter"),
	allowed(extra, `event message(/.*)?`, "as documented of the file object", "files[].ims", "files[].timestamp"),
	allowed(extra, `event message(/.*)?`, "of the head of a thread, as history says it",
		slices.Concat(under("message.", headOfThread), under("previous_message.", headOfThread))...),
	allowed(extra, `event message/thread_broadcast`, "who posted, where it is an app", "bot_id", "bot_profile", "team"),
	allowed(lacks, `event message/thread_broadcast`, "an app's message has no id of a client", "client_msg_id"),
	allowed(lacks, `event message/message_(changed|deleted)`, "said once, of the event, in the examples of its document",
		slices.Concat(under("message.", ofTheEvent), under("previous_message.", ofTheEvent))...),
	allowed(lacks, `event message/thread_broadcast`, "said once, of the event", under("root.", ofTheEvent)...),
	allowed(lacks, "event user_change of who was deactivated", "not said, says the document of the user object", under("user.", onlyOfTheLiving)...),
	allowed(extra, `event app_mention`, "as in a message of a thread", "parent_user_id"),

	// What comes of what people do.
	allowed(null, "payload .*", "null for a workspace outside of an organisation", "enterprise"),
	allowed(extra, `payload view_\w+`, "as in the examples of the documents", "user.username"),
	allowed(extra, "payload block_actions.*", "the button's own", "actions[].style"),
	allowed(object, "payload block_actions.*", "the button's own, made of text objects", "actions[].confirm.title", "actions[].confirm.text"),
	allowed(extra, "payload block_actions.*", "the button's own, made of text objects", "actions[].confirm.confirm", "actions[].confirm.deny",
		"actions[].confirm.style"),
	allowed(lacks, `payload block_actions in a (modal|home)`, "a view has none, says the document", "response_url"),
	allowed(lacks, "payload block_actions in a home", "a home tab has no title", "view.title"),
	allowed(lacks, "view in app_home_opened", "a home tab has no title", "title"),
)

var (
	headOfThread    = []string{"is_locked", "subscribed", "reply_count", "reply_users", "reply_users_count", "latest_reply"}
	ofTheEvent      = []string{"channel", "channel_type", "event_ts"}
	onlyOfTheLiving = []string{"real_name", "tz", "tz_label", "tz_offset", "is_admin", "is_owner", "is_primary_owner", "is_restricted",
		"is_ultra_restricted", "is_email_confirmed", "locale", "who_can_share_contact_card"}
)

// under are the names below another.
func under(prefix string, names []string) (out []string) {
	for _, n := range names {
		out = append(out, prefix+n)
	}
	return out
}
