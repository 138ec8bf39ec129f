package cloudflare

// Rules are what is enforced, for the documentation.
func Rules() []string {
	return []string{
		"a token that is not the app's is 401 with code 10000; lists come in pages of 5 to 50",
		"zones by id or name; the security level is one of Cloudflare's (400, code 1007)",
		"custom rules: the ruleset of a zone is 404 until it is made; at most five rules, each reference once (400, code 20217); what is not there cannot be deleted (404)",
		"Gateway policies: a name once, DNS only (400, code 2020)",
		"tokens are listed without their value; a roll answers with a new one",
	}
}
