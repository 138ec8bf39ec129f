package bot

import (
	"bytes"
	"context"
	"fmt"

	"github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/incident"
)

// upload is a file on its way to a channel, or to a thread there.
type upload struct {
	Channel, Thread      string
	Name, Title, Comment string
	Alt                  string // what is on a picture
	Body                 []byte
}

// upload shares a file.
// https://docs.slack.dev/messaging/working-with-files#uploading_files
func (s *Slack) upload(ctx context.Context, rank incident.Rank, u upload) error {
	var to *slack.GetUploadURLExternalResponse
	err := s.call(ctx, "files.getUploadURLExternal", u.Channel, rank, func() (err error) {
		to, err = s.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{FileName: u.Name, FileSize: len(u.Body), AltTxt: u.Alt})
		return err
	})
	if err != nil {
		return fmt.Errorf("ask where to put a file: %w", err)
	}
	// The address is a secret of its own and must not stand in an error.
	if err := s.api.UploadToURL(ctx, slack.UploadToURLParameters{UploadURL: to.UploadURL, Reader: bytes.NewReader(u.Body), Filename: u.Name}); err != nil {
		return &said{"upload", "upload_failed", ""}
	}
	err = s.call(ctx, "files.completeUploadExternal", u.Channel, rank, func() error {
		_, err := s.api.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{
			Files: []slack.FileSummary{{ID: to.FileID, Title: u.Title}}, Channel: u.Channel, ThreadTimestamp: u.Thread, InitialComment: u.Comment,
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("share a file: %w", err)
	}
	return nil
}

// hasFile reports whether a file of that name is among the latest messages of a channel, or in a
// thread there.
func (s *Slack) hasFile(ctx context.Context, rank incident.Rank, channel, thread, name string) (bool, error) {
	var list []slack.Message
	var err error
	if thread != "" {
		err = s.call(ctx, "conversations.replies", channel, rank, func() (err error) {
			list, _, _, err = s.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{ChannelID: channel, Timestamp: thread, Limit: 100})
			return err
		})
	} else {
		err = s.call(ctx, "conversations.history", channel, rank, func() error {
			got, err := s.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: channel, Limit: 100})
			if err == nil {
				list = got.Messages
			}
			return err
		})
	}
	if err != nil {
		return false, fmt.Errorf("look for a file: %w", err)
	}
	for _, m := range list {
		for _, f := range m.Files {
			if f.Name == name {
				return true, nil
			}
		}
	}
	return false, nil
}
