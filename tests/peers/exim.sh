#!/bin/sh
# Exim as Debian packs it, unpacked into HOME/root by `.ci/test` and not installed, with the user that it wants to be out of HOME/passwd.
#   exim.sh HOME FOLDER serve PORT   takes letters on 127.0.0.1 and queues them; FOLDER has cert.pem and key.pem
#   exim.sh HOME FOLDER show         writes the letters that were taken, as they are
set -eu
home=$1 folder=$2 act=$3
lib=$(dirname "$(find "$home/root" -name libnss_wrapper.so)")
conf=$folder/exim.conf

exim() {
    exec env LD_LIBRARY_PATH="$lib" LD_PRELOAD="$lib/libnss_wrapper.so" NSS_WRAPPER_PASSWD="$home/passwd" NSS_WRAPPER_GROUP="$home/group" \
        "$home/root/usr/sbin/exim4" -C "$conf" "$@"
}

if [ "$act" = show ]; then
    for letter in "$folder"/spool/input/*-H; do
        (exim -Mvc "$(basename "$letter" -H)")
    done
    exit
fi

mkdir "$folder/spool"
cat >"$conf" <<END
primary_hostname = mail.example
local_interfaces = 127.0.0.1
daemon_smtp_ports = $4
spool_directory = $folder/spool
log_file_path = $folder/%slog
pid_file_path = $folder/pid
keep_environment =
queue_only = true
message_size_limit = 20K
tls_advertise_hosts = *
tls_certificate = $folder/cert.pem
tls_privatekey = $folder/key.pem
auth_advertise_hosts = \${if def:tls_in_cipher {*}{}}
acl_smtp_rcpt = recipient
acl_smtp_data = letter
begin acl
recipient:
  deny local_parts = nobody
       message = no such mailbox
  defer local_parts = full
       message = the mailbox is full
  accept authenticated = *
  deny message = say who you are
letter:
  require verify = header_syntax
  accept
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if and{{eq{\$auth2}{acme}}{eq{\$auth3}{correct horse}}}{yes}{no}}
END
# It gives root away before it reads a letter, and must still reach its folder then; its configuration stays its starter's.
chmod 755 "$folder"
[ "$(id -u)" -ne 0 ] || chown 65534:65534 "$folder" "$folder/spool" "$folder/key.pem"
exim -bdf
