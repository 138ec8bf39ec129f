package app

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/internal/audit"
	"github.com/tocsin-ir/tocsin/internal/config"
)

// recordVerifies does what somebody would who was handed the newest incident: reads it
// where it is, exports it, and verifies the export with the public key alone.
func (d *Demo) recordVerifies(ctx context.Context) error {
	s, err := d.newest(ctx)
	if err != nil {
		return err
	}
	db := d.App().db
	if _, err := db.Verify(ctx, s.Stream); err != nil {
		return err
	}
	captured, err := db.VerifyCaptured(ctx, s.Stream)
	if err != nil {
		return err
	}
	var file bytes.Buffer
	c := d.config
	if auditKeyFile(c) == "" && !c.AuditKey.IsSet() {
		c.AuditKey = config.NewSecret(strings.Repeat("07", 32)) // several replicas, and nobody gave them one
	}
	signer, refused, err := (&Audit{c, db, d.Clock.Now}).Export(ctx, string(s.Stream), false, &file)
	if err != nil {
		return err
	}
	if refused != nil {
		return refused
	}
	found, err := audit.Verify(&file, signer.Public(), nil)
	if err != nil {
		return err
	}
	if !found.OK() {
		return fmt.Errorf("the export is not whole: %v", found.Problems)
	}
	for _, stream := range found.Streams {
		if stream.ID != string(s.Stream) && stream.Lines >= captured.Lines && stream.Signed == stream.Lines {
			return nil
		}
	}
	if captured.Lines > 0 {
		return fmt.Errorf("what was captured is not in the export, or not signed: %+v", found.Streams)
	}
	return nil
}
