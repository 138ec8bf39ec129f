package slack

import "encoding/json"

// ViewOptions says what of the workspace a person's client is looking at.
type ViewOptions struct {
	Channel string // whose messages are wanted; empty: none
	Limit   int    // at most so many messages, newest kept; 0: 200
	Before  string // only messages older than this ts
}

// View is what one person's client shows.
type View struct {
	Me        User            `json:"me"`
	Team      string          `json:"team"`
	Users     []User          `json:"users"`
	Channels  []ChannelView   `json:"channels"` // all the person may see
	Messages  []MessageView   `json:"messages"` // oldest first, threads and own ephemerals included
	Modal     *ModalView      `json:"modal"`    // top of this person's stack
	Home      json.RawMessage `json:"home"`     // published home view or null
	Commands  []Command       `json:"commands"`
	Shortcuts []Shortcut      `json:"shortcuts"`
	Notices   []string        `json:"notices"` // what the client itself told this person, oldest first
}

// ChannelView is one line of the sidebar.
type ChannelView struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"` // for an IM: the other person's name
	Private   bool       `json:"private"`
	Archived  bool       `json:"archived"`
	IM        bool       `json:"im"`
	Member    bool       `json:"member"`
	ExtShared bool       `json:"ext_shared"`
	Topic     string     `json:"topic"`
	Purpose   string     `json:"purpose"`
	Members   []string   `json:"members"`
	Bookmarks []Bookmark `json:"bookmarks"`
	Pins      []string   `json:"pins"` // message ts
	Unread    int        `json:"unread"`
	Mentions  int        `json:"mentions"`
	LastTS    string     `json:"last_ts"`
}

// MessageView is one message as this person sees it.
type MessageView struct {
	TS         string          `json:"ts"`
	ThreadTS   string          `json:"thread_ts,omitempty"`
	User       string          `json:"user,omitempty"` // author's user id, the bot user's for the app
	BotName    string          `json:"bot_name,omitempty"`
	Subtype    string          `json:"subtype,omitempty"`
	Text       string          `json:"text"`
	Blocks     json.RawMessage `json:"blocks,omitempty"`
	Edited     bool            `json:"edited"`
	Ephemeral  bool            `json:"ephemeral"`
	Reactions  []Reaction      `json:"reactions"`
	ReplyCount int             `json:"reply_count"`
	Files      []File          `json:"files"`
	Metadata   json.RawMessage `json:"metadata,omitempty"`
}

// ModalView is an open modal.
type ModalView struct {
	ID         string            `json:"id"`
	CallbackID string            `json:"callback_id"`
	View       json.RawMessage   `json:"view"`
	Errors     map[string]string `json:"errors,omitempty"` // by block id, from the last submission
}

// Bookmark is a link at the top of a channel.
type Bookmark struct {
	ID          string `json:"id"`
	ChannelID   string `json:"channel_id"`
	Title       string `json:"title"`
	Link        string `json:"link"`
	Emoji       string `json:"emoji"`
	Type        string `json:"type"`
	DateCreated int64  `json:"date_created"`
	DateUpdated int64  `json:"date_updated"`
	AppID       string `json:"app_id,omitempty"`
}

// Reaction is one emoji under a message.
type Reaction struct {
	Name  string   `json:"name"`
	Users []string `json:"users"`
	Count int      `json:"count"`
}

// File is an uploaded file.
type File struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Title    string `json:"title"`
	Mimetype string `json:"mimetype"`
	Size     int    `json:"size"`
	URL      string `json:"url_private"`
}
