package bot

import "testing"

// The token goes to Slack alone, whatever address a message names.
func TestFilesAreFetchedFromSlackAlone(t *testing.T) {
	t.Parallel()
	for api, addresses := range map[string]map[string]bool{
		"https://slack.com/api/": {
			"https://files.slack.com/files-pri/T1-F1/a.pcap": true, "https://slack.com/files/F1": true, "https://FILES.slack.com/x": true,
			"http://files.slack.com/x": false, "https://files.slack.com.evil.example/x": false, "https://evil.example/files.slack.com": false,
			"https://files.slack.com@evil.example/x": false, "https://user@files.slack.com/x": false, "https://169.254.169.254/latest/meta-data": false,
			"https://files.slack.com:8443/x": false, "https://evilslack.com/x": false, "file:///etc/passwd": false, "": false, "//files.slack.com/x": false,
			"https://drive.google.com/x": false, "https://acme.slack.com/x": false,
		},
		"http://127.0.0.1:8480/api/": {
			"http://127.0.0.1:8480/files/F1": true, "http://127.0.0.1:9090/files/F1": false, "http://localhost:8480/files/F1": false,
		},
		"": {"https://files.slack.com/files-pri/T1-F1/a.pcap": true, "https://files.slack-gov.com/x": false},
	} {
		s := &Slack{c: Config{API: api}}
		for address, want := range addresses {
			if got := s.hosts(address); got != want {
				t.Errorf("with %s, %s: %v", api, address, got)
			}
		}
	}
}
