//! The label policy, line by line: what counts as a code and how it is written down.

use crate::{code, extract};

fn reads(text: &str, expected: &str) {
    assert_eq!(code(text).as_deref(), Some(expected), "{text}");
}

fn reads_nothing(text: &str) {
    assert_eq!(code(text), None, "{text}");
}

#[test]
fn contract_patterns() {
    reads("Your Examplo code is 482913", "482913");
    reads("code is X1Y2Z3", "X1Y2Z3");
    reads("G-123456 is your verification code", "123456");
    reads("482913 is what you need: enter 482913 to sign in", "482913");
}

#[test]
fn line_1_value_is_what_people_type() {
    reads("Your code is 123-456", "123456");
    reads("Your code is 123\u{a0}456", "123456");
    reads("Your code is 12 34 56", "123456");
    reads("Your code is 123\u{2013}456", "123456");
    reads("Your code is 123\u{2014}456", "123456");
    reads("Your code is 123.456", "123456");
    reads(
        "Your code is 1\u{200b}2\u{200b}3\u{200b}4\u{200b}5\u{200b}6",
        "123456",
    );
    reads("Your code is 123\u{2009}456", "123456");
    reads("Confirmation code: RKJ-YP6", "RKJYP6");
    reads("رمز التحقق: ١٢٣٤٥٦", "123456");
    reads("Your code is １２３４５６", "123456");
    reads("Login token: g1eh2p", "g1eh2p");
    assert_eq!(extract("Your code is 123-456").raw.as_deref(), Some("123-456"));
}

#[test]
fn line_2_service_prefix_is_dropped() {
    reads("G-123456 is your Google verification code.", "123456");
    reads("FB-12345 is your Facebook confirmation code", "12345");
    reads("Your code is ABC-123456", "123456");
}

#[test]
fn line_3_four_to_ten_characters_with_a_digit() {
    reads("Your code is 1234", "1234");
    reads("Your activation code is 583437052", "583437052");
    reads("Verification code: QGFDAE", "QGFDAE");
    reads("Your verification code: mifsuc", "mifsuc");
    reads_nothing("Your code is 123");
    reads_nothing("Your code is 12345678901");
    reads_nothing("Your verification code is on its way");
    reads_nothing("Enter the code shown on SCREEN");
}

#[test]
fn line_4_of_two_codes() {
    reads("Your code is 111222\n@shop.example #333444", "333444");
    reads(
        "Your code is 111222\n@shop.example #333444 @pay.example",
        "333444",
    );
    // Behind the code and its embedded host anything may stand; before the host and between it and the code nothing may.
    reads(
        "Your code is 111222\n@shop.example #333444 %pay.example and more",
        "333444",
    );
    reads("Your code is 111222\nNow @shop.example #333444!", "111222");
    reads("Your code is 111222\n@shop.example code #333444", "111222");
    reads(
        "Old code 812576 is no longer valid. Your new code is 095722.",
        "095722",
    );
    reads("Your code is 370996. Backup code: 612316008", "370996");
    reads("Your code is 481592. Your other code is 295174.", "481592");
}

#[test]
fn line_5_bare_codes() {
    reads("123456", "123456");
    reads("590-753", "590753");
    reads("G-412157", "412157");
    reads_nothing("2024");
    reads_nothing("1999");
    reads_nothing("123456789");
}

#[test]
fn marks_of_direction_are_passed_over() {
    reads("رمز التحقق: \u{202b}123456\u{202c}", "123456");
    reads("קוד האימות שלך הוא \u{2066}123456\u{2069}", "123456");
    reads("\u{200f}رمز التحقق \u{200e}123\u{200e}456\u{200f}", "123456");
}

#[test]
fn scripts_without_blanks_are_read() {
    reads("รหัสยืนยันของคุณคือ123456", "123456");
    reads_nothing("ยอดเงินคงเหลือ123456บาท");
    reads("លេខកូដផ្ទៀងផ្ទាត់របស់អ្នកគឺ123456", "123456");
    reads_nothing("សមតុល្យរបស់អ្នកគឺ123456រៀល");
    reads("您的验证码为123456请勿泄露", "123456");
    reads_nothing("您的余额为123456元");
    reads("የማረጋገጫ ኮድዎ፡123456ነው", "123456");
    reads_nothing("ቀሪ ሂሳብዎ 123456 ብር ነው");
}

/// Those that the Unicode of the `regex` crate knows.
#[test]
fn every_decimal_digit_is_one() {
    let is_digit = regex::Regex::new(r"^\p{Nd}$").unwrap();
    let mut digits = 0;
    for digit in ('\0'..=char::MAX).filter(|c| is_digit.is_match(c.encode_utf8(&mut [0; 4]))) {
        let value = digits % 10;
        digits += 1;
        let text = format!("Your code is {}", digit.to_string().repeat(6));
        reads(&text, &value.to_string().repeat(6));
    }
    assert!(digits >= 760, "{digits}");
}

#[test]
fn line_6_a_number_alone_is_nothing() {
    reads_nothing("Our shop has 482913 visitors a day");
    reads_nothing("See you at building 4471 tomorrow");
}

#[test]
fn line_7_links() {
    let link = "https://id.shop.example/verify/8h2kd93jf0";
    let got = extract(&format!("Confirm your email for Shop: {link}"));
    assert_eq!((got.code, got.link.as_deref()), (None, Some(link)));
    let unsaid = "https://shop.example/s/kdjqzt";
    assert_eq!(
        extract(&format!("Log in to Shop: {unsaid}")).link.as_deref(),
        Some(unsaid)
    );
    assert_eq!(
        extract("Log in to see our news: https://shop.example/s/winter").link,
        None
    );
    let got = extract(&format!("Your code is 482913. Or tap {link} to verify."));
    assert_eq!(
        (got.code.as_deref(), got.link.as_deref()),
        (Some("482913"), Some(link))
    );
}

#[test]
fn line_8_what_is_no_code() {
    reads_nothing("Use promo code 482913 for 20% off!");
    reads_nothing("Your parcel is ready, pickup code 482913.");
    reads_nothing("Order number 482913 has shipped.");
    reads_nothing("Ticket 482913 was closed. PNR QX7T2L.");
    reads_nothing("Your card PIN was changed on 12/05/2026 at 16:20.");
    reads_nothing("Never share your OTP with anyone. Call 1930 to report.");
    reads_nothing("You won! Call 09061701461, claim code 48291.");
    reads("Delivery OTP for your parcel is 482913.", "482913");
}

#[test]
fn a_purpose_or_an_instruction_is_enough_for_six_digits() {
    reads("482155 is what you need to finish signing in", "482155");
    reads("Confirm it's you. 482155", "482155");
    reads("481203 bei der Anmeldung eingeben", "481203");
    reads("mã 482155 để đăng nhập", "482155");
    reads("Enter 482155 to frobnicate", "482155");
    reads("The number to verify your account is 482155", "482155");
    reads_nothing("Payment confirmed. 482155");
    reads_nothing("482155 has been verified and added as payee");
}

#[test]
fn the_number_after_a_question_is_no_code() {
    reads_nothing("what's the code for the garage? 4821");
    reads_nothing("what's the code for your garage? 4821?");
    reads_nothing("did you get the code? 482155");
}

#[test]
fn a_verb_and_a_field_are_enough() {
    reads("Hej! Slå in 5520 i appen så öppnas den", "5520");
    reads("Selam, uygulamaya 5520 yaz", "5520");
    reads("Нужно вбить 5520 на сайте", "5520");
    reads("Untuk konfirmasi pembayaran, masukkan di halaman\n5520", "5520");
    reads_nothing("You have 5520 points in the app");
    reads_nothing("Enter 5520 at the gate");
}

#[test]
fn what_takes_the_place_of_an_old_code_is_the_code() {
    reads("Use code 902144 instead of 118402", "902144");
    reads("118402 yerine 902144 kodunu kullanın", "902144");
    reads("Вместо 118402 используйте 902144, тот уже не работает", "902144");
    reads("Forget the code 118402, the one you need is 902144", "902144");
    reads("902144 replaces 118402. Use it to log in.", "902144");
}

#[test]
fn words_glued_to_each_other_or_to_the_code_are_read() {
    reads("yourcode482913 dontshare", "482913");
    reads("CodeShop:482913(5min)", "482913");
    reads("Shop:verifycode482913", "482913");
    reads("Your code is:482913Do not share it", "482913");
    reads("#482913# is your code", "482913");
    reads_nothing("Use barcode482913 at the till");
}

#[test]
fn digits_that_the_next_sentence_speaks_of_are_the_code() {
    reads("66018. With these digits you log in to Quaxo", "66018");
    reads("66018. Mit diesen Ziffern kommst du in dein Konto", "66018");
    reads("7720 to log in to Quaxo. Never share it", "7720");
    reads_nothing("66018. With these digits you win a bicycle");
}

#[test]
fn letters_sent_in_parts_are_whole_letters() {
    reads(
        "[\u{1112}\u{1161}\u{11ab}] \u{110b}\u{1175}\u{11ab}\u{110c}\u{1173}\u{11bc}\u{1107}\u{1165}\u{11ab}\u{1112}\u{1169} 495084",
        "495084",
    );
    reads("আপনার ভেরিফিকেশন ক\u{9c7}\u{9be}ড 482901", "482901");
    let parts =
        "\u{110b}\u{1175}\u{11ab}\u{110c}\u{1173}\u{11bc}\u{1107}\u{1165}\u{11ab}\u{1112}\u{1169} 495084";
    let span = extract(parts).span.unwrap();
    assert_eq!(parts.get(span[0]..span[1]), Some("495084"));
}

#[test]
fn the_length_of_a_code_does_not_decide() {
    for new in ["4738", "95317", "840517", "7731902", "56840193"] {
        reads(&format!("Code 339102 has expired, use {new}"), new);
        reads(
            &format!("Bank Wisla: potwierdz platnosc {new}. Nikomu go nie zdradzaj."),
            new,
        );
        reads(&format!("<#> Quaxo: {new}\nkW8/zQ2mP+x"), new);
    }
}

#[test]
fn halves_with_something_written_on_to_them_are_codes() {
    reads("Your code is 482-913,5 minutes", "482913");
    reads("GL-482-913 is your Quaxo code", "482913");
    reads("yourcode482-913 dontshare", "482913");
    reads("Ikhodi yakho yokungena ngu-482-913", "482913");
    reads("TOKEN:6853VALIDO POR 5 MINUTOS", "6853");
    reads("Kod SMS nr 3 z dn. 09-06-2026: 029-474. Bank", "029474");
    reads_nothing("CRIMINALS ASK FOR THE 6-DIGIT CODE WE TEXT YOU");
}

#[test]
fn small_letters_start_sentences_where_no_capitals_are_written() {
    reads(
        "to approve, enter 581930 in the pop-up. didn't buy this? call us",
        "581930",
    );
    reads_nothing("we never ask for your code by sms. call 3620 if in doubt");
}

/// A message begins behind the name of its sender, and a prefix is not the code's.
#[test]
fn a_senders_name_before_a_colon_is_no_word_of_the_message() {
    reads("Fernbay: 4471 to log in", "4471");
    reads("4471 pour te connecter. Velouo", "4471");
    reads("[Fernbay] 330915 ton code", "330915");
    reads("NV-4471 votre code", "4471");
    reads("Rolla: 4471. That's your code for logging in.", "4471");
    reads_nothing("Lads, 1500 to register the team, cash only");
    reads_nothing("les gars: 1500 pour inscrire l'équipe");
}

#[test]
fn a_number_of_something_else_does_not_take_the_codes_place() {
    reads("Заявка 40718: код доступа для загрузки фото 661802", "661802");
    reads("प्रिय ग्राहक, 640183 आपके लॉगिन का गोपनीय ओटीपी है", "640183");
    reads(
        "Encomenda 771. Ref 44712099. Código de verificação do cartão 883014",
        "883014",
    );
    reads(
        "Your Dash order 40718 is outside. Give code 3391 (OTP) to the courier",
        "3391",
    );
    reads_nothing("Oakfield School: registration number 318046");
    reads_nothing("رجسٹریشن نمبر 318046، امتحانی مرکز 4471");
    reads_nothing("Código do aluno 40218, turma 5B");
}

#[test]
fn what_a_colon_announces_may_stand_below_a_blank_line() {
    reads("Step 2 of 2. Please confirm your phone:\n\n330915", "330915");
    reads("Use this PIN to view your results:\n71820364 Fernbay", "71820364");
    reads("Pour finir :\n\nvotre code\n\n330915", "330915");
    reads_nothing("Step 2 of 2. Your table:\n\n330915");
}

#[test]
fn where_one_number_is_taken_back_the_other_is_the_code() {
    reads(
        "Nehmen Sie 771206, die 118832 von vorhin zählt nicht mehr",
        "771206",
    );
    reads("Берите 771221, прежний 118847 уже не подойдёт", "771221");
    reads("771247-г ашиглаарай, өмнөх 118873 хүчингүй болсон", "771247");
    reads(
        "The new number is 660318, because 204417 timed out. Type it to log in.",
        "660318",
    );
    reads_nothing("Order 771206 is on its way, order 118832 was cancelled");
}

#[test]
fn a_verb_beside_its_field_reaches_far() {
    reads("Type this when the page asks for it: 740318", "740318");
    reads_nothing("Type your name when the page asks for it. Our room: 740318");
}

#[test]
fn a_number_and_a_name_head_a_message_with_a_purpose() {
    reads(
        "338014 - Lumo. If you didn't try to log in, change your password.",
        "338014",
    );
    reads_nothing("338014 - Lumo. Your order has shipped, log in to track it.");
    reads_nothing("338014 people. Log in to see who they are.");
}

#[test]
fn a_word_within_a_phrase_says_what_the_phrase_says() {
    reads("Щоб назавжди видалити обліковий запис, наберіть 332037", "332037");
    reads_nothing("Nomor anggota barumu 663358. Tunjukkan di pintu masuk.");
    reads_nothing("La partie est ouverte, rejoins-nous avec 448120");
}

#[test]
fn so_many_digits_that_are_pointed_at_are_the_code() {
    reads("You'll need these six digits in a moment - 440917", "440917");
    reads("Gleich brauchen Sie diese sechs Ziffern: 441067", "441067");
    reads("Вам понадобятся эти шесть цифр: 441037", "441037");
    reads("稍后您需要这六位数字：443057", "443057");
    reads_nothing("Tonight's six numbers: 041118");
}

#[test]
fn what_is_done_about_an_account_makes_a_link_one_of_ours() {
    let link = "https://lumo.example/w/8Kq2";
    for text in [
        "Je account is klaar. Begin hier",
        "Да, это я",
        "आपका खाता तैयार है। यहाँ से शुरू करें",
    ] {
        assert_eq!(
            extract(&format!("{text}: {link}")).link.as_deref(),
            Some(link),
            "{text}"
        );
    }
    assert_eq!(extract(&format!("Sinu arvamus loeb: {link}")).link, None);
}
