//! Every vector as a test of its own name: `cargo test --test carrier by_name::telnyx::`. The list is held to the files.
#![expect(non_snake_case, reason = "the vectors have these names")]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::golden::{FILES, judge};
use super::vectors::{Vector, load};

/// By file and name.
static VECTORS: LazyLock<BTreeMap<(&str, String), Vector>> = LazyLock::new(|| {
    let of_file = |(file, _): &(&'static str, usize)| {
        let file = *file;
        load(file)
            .into_iter()
            .map(move |vector| ((file, vector.name.clone()), vector))
    };
    FILES.iter().flat_map(of_file).collect()
});

fn hold(file: &'static str, name: &str) {
    let vector = VECTORS
        .get(&(file, name.to_owned()))
        .expect("a name of the list is in its file");
    assert_eq!(judge(vector), Ok(()), "{file}/{name}");
}

macro_rules! vectors {
    ($($file:ident { $($name:ident)* })*) => {
        $(mod $file {
            $(#[test]
            fn $name() {
                super::hold(stringify!($file), stringify!($name));
            })*
        })*

        const LISTED: &[(&str, &[&str])] = &[$((stringify!($file), &[$(stringify!($name)),*])),*];
    };
}

#[test]
fn the_list_is_whole() {
    let listed = LISTED
        .iter()
        .flat_map(|(file, names)| names.iter().map(move |name| (*file, (*name).to_owned())));
    let in_files: Vec<_> = VECTORS.keys().cloned().collect();
    let mut listed: Vec<_> = listed.collect();
    listed.sort();
    assert_eq!(listed, in_files);
    assert_eq!(listed.len(), 325);
}

vectors! {
    android_sms_gateway {
        sms_received sms_received_unicode sms_received_gson_html_escapes sms_delivered sms_failed recipient_null
        reject_tampered reject_unicode_tampered reject_timestamp_moved reject_stale reject_joint_moved
        reject_missing_signature reject_wrong_key
    }
    aws_sns {
        notification_v1 notification_v2 notification_v1_unicode notification_v2_unicode notification_v2_subject
        notification_v2_json_escaped subscription_confirmation_v1 subscription_confirmation_v2
        unsubscribe_confirmation_v1 reject_message_tampered reject_unicode_tampered reject_timestamp_tampered
        reject_subject_added reject_version_swapped reject_version_3 reject_cert_url_evil_suffix
        reject_cert_url_http_scheme reject_cert_url_userinfo reject_cert_url_other_host
        reject_cert_url_subdomain_prefix reject_cert_url_no_pem reject_cert_url_other_port
        reject_cert_url_s3_bucket_named_sns reject_foreign_topic reject_subscribe_url_foreign_host
        reject_missing_signature reject_stale_2h
    }
    bandwidth {
        inbound_single inbound_array_of_two_unicode inbound_group_mms dlr_delivered dlr_failed
        known_weakness_body_not_signed reject_wrong_password reject_wrong_user reject_missing_credentials
        reject_credentials_malformed_base64 reject_body_not_array
    }
    clicksend {
        inbound inbound_unicode reject_wrong_token
    }
    httpsms {
        received received_unicode known_weakness_body_not_signed reject_wrong_audience reject_expired reject_wrong_key
        reject_alg_none reject_missing
    }
    infobip {
        inbound inbound_two_results_unicode dlr_delivered reject_wrong_password reject_missing_credentials
        reject_results_missing
    }
    jasmin {
        mo_gsm7_ascii mo_gsm7_extension_table mo_ucs2 mo_latin1 mo_get dlr_level2_delivered reject_wrong_token
        reject_missing_id
    }
    kannel {
        mo_get_utf8 mo_get_utf16be_binary reject_wrong_token reject_missing_field
    }
    messagebird {
        jwt_inbound_form jwt_inbound_form_unicode jwt_url_with_query jwt_hs512 jwt_status_get_no_body
        reject_jwt_body_tampered reject_jwt_url_tampered reject_jwt_payload_hash_missing
        reject_jwt_payload_hash_but_no_body reject_jwt_expired reject_jwt_not_yet_valid reject_jwt_wrong_issuer
        reject_jwt_alg_none reject_jwt_wrong_key reject_jwt_missing legacy_valid legacy_valid_unicode
        reject_legacy_tampered reject_legacy_query_tampered reject_legacy_stale bird_sms_received
        bird_sms_received_unicode reject_bird_tampered reject_bird_stale
    }
    meta_whatsapp {
        text text_unicode_escaped text_unicode_raw_utf8 status_delivered reject_tampered
        reject_escaped_body_reserialized reject_sha1_prefix reject_no_prefix reject_missing reject_wrong_secret
        handshake reject_handshake_wrong_token reject_handshake_wrong_mode
    }
    plivo {
        v2_inbound v2_inbound_unicode v2_query_not_signed v2_port_is_signed v2_ma_header_subaccount
        v2_known_weakness_body_not_signed reject_v2_other_path reject_v2_wrong_nonce reject_v2_wrong_token
        reject_v2_missing reject_v2_port_dropped v3_post v3_post_unicode v3_post_query_sorted_decoded
        v3_post_empty_value v3_post_duplicate_values_sorted_kept v3_two_signatures_comma v3_ma_header v3_get v3_port
        v3_status_delivered v2_status_undelivered reject_v3_param_tampered reject_v3_unicode_tampered
        reject_v3_query_tampered reject_v3_wrong_nonce reject_v3_missing_nonce reject_v3_wrong_token
        reject_v3_param_boundary_shift
    }
    signalwire {
        compat_inbound compat_inbound_unicode compat_twilio_header_alias compat_port_443_signed_without
        compat_no_port_signed_with_443 compat_port_8443_signed_with compat_status_delivered reject_compat_tampered
        reject_compat_wrong_key reject_compat_missing_signature reject_compat_signature_over_bare_url json_sha1_hex
        json_sha1_hex_unicode json_sha256_hex reject_json_tampered reject_json_sha256_tampered reject_json_other_url
    }
    sinch {
        mo_text mo_text_unicode mo_binary mo_media recipient_delivery_report batch_delivery_report reject_tampered
        reject_unicode_tampered reject_nonce_changed reject_timestamp_changed reject_stale reject_missing_signature
        reject_missing_nonce reject_other_algorithm reject_nonce_with_dot reject_wrong_secret
        application_signed_verification_result reject_application_tampered reject_application_other_path
        reject_application_stale
    }
    standard_webhooks {
        v1_valid v1_unicode v1_rotation_two_signatures v1_unknown_versions_ignored v1_secret_without_prefix
        v1_boundary_300s reject_tampered reject_unicode_tampered reject_id_changed reject_stale_301s
        reject_future_301s reject_wrong_secret reject_missing_signature reject_missing_id
        reject_only_v1a_when_secret_is_v1 v1a_valid v1a_unicode v1a_with_v1_beside reject_v1a_tampered
        reject_v1a_stale
    }
    telnyx {
        inbound_sms_gsm7 inbound_sms_unicode_emoji_raw_utf8 inbound_sms_unicode_escaped_json_spaces
        inbound_pretty_json_trailing_newline inbound_mms_media dlr_message_sent dlr_message_finalized_delivered
        dlr_message_finalized_failed verify_delivered_event header_names_uppercase boundary_age_exactly_300s
        reject_body_tampered reject_body_reserialized reject_timestamp_moved reject_stale_301s reject_future_301s
        reject_wrong_key reject_missing_signature reject_missing_timestamp reject_signature_63_bytes
        reject_signature_hex_not_base64 reject_timestamp_not_integer reject_timestamp_milliseconds
        reject_timestamp_leading_plus reject_signature_malleated_s_plus_l
    }
    textbee {
        received received_unicode reject_tampered reject_missing reject_wrong_secret
    }
    textverified {
        sms_received sms_received_unicode sms_received_pascal_case test_event billingcycle_renewed reject_tampered
        reject_unicode_tampered reject_reserialized reject_missing_prefix reject_hex_instead_of_base64
        reject_missing_header reject_wrong_secret
    }
    twilio {
        inbound_sms inbound_unicode_emoji_special_chars inbound_percent20_instead_of_plus
        inbound_leading_trailing_spaces_kept inbound_empty_body_and_empty_params inbound_mms url_with_query
        url_port_443_signed_without url_no_port_signed_with_443 url_port_8443_signed_with url_port_8443_signed_without
        http_url_signed_with_80 duplicate_param_sorted_and_deduped param_names_sorted_by_byte_order
        get_webhook_params_in_query status_delivered status_sent status_undelivered_30003 status_failed_30006
        json_bodySHA256 json_bodySHA256_port_variant reject_json_body_tampered reject_json_hash_and_body_tampered
        reject_json_without_bodySHA256 reject_param_tampered reject_unicode_param_tampered reject_param_added
        reject_param_removed reject_other_path reject_trailing_slash reject_http_vs_https reject_query_reordered
        reject_missing_signature reject_empty_signature reject_wrong_token reject_hex_instead_of_base64
        reject_param_boundary_shift sharedkey_sha256 sharedkey_sha256_port reject_sharedkey_tampered
        reject_sharedkey_unknown_algorithm reject_sharedkey_downgrade_to_sha1
    }
    vonage {
        jwt_inbound jwt_inbound_unicode jwt_status_delivered jwt_bearer_lowercase_scheme reject_jwt_body_tampered
        reject_jwt_payload_hash_missing reject_jwt_wrong_secret reject_jwt_claims_tampered reject_jwt_alg_none
        reject_jwt_alg_hs512 reject_jwt_stale_iat reject_jwt_future_iat reject_jwt_wrong_issuer
        reject_jwt_other_api_key reject_jwt_missing sig_get_md5hash reject_sig_get_md5hash_tampered sig_get_md5
        reject_sig_get_md5_tampered sig_get_sha1 reject_sig_get_sha1_tampered sig_get_sha256
        reject_sig_get_sha256_tampered sig_get_sha512 reject_sig_get_sha512_tampered sig_post_form_unicode_amp_eq
        sig_post_json_unicode sig_uppercase_hex sig_concat_part_1 sig_concat_part_2 sig_dlr_delivered
        sig_dlr_failed_err6 sig_known_weakness_amp_underscore reject_sig_missing reject_sig_stale
        reject_sig_timestamp_missing reject_sig_key_injection reject_sig_method_downgrade
    }
}
