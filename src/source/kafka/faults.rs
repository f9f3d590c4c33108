//! What the client's errors mean for people: the class, one line with the remedy, and whether
//! waiting can help.

use rdkafka::types::RDKafkaErrorCode as Code;

use super::config::KafkaConfig;

/// An error of the client, explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The class, as the metric names it.
    pub(super) kind: &'static str,
    /// One line: what is wrong and what to do.
    pub(super) message: String,
    /// Whether it is wrong settings rather than a broker that is away, so that a start should fail.
    pub(super) lasting: bool,
}

/// Explains `code`; `reason` is what the client said about it, if anything.
pub(super) fn explain(code: Code, reason: &str, config: &KafkaConfig) -> Fault {
    let brokers = config.brokers.join(", ");
    let (topic, group) = (&config.topic, &config.group);
    let user =
        config.username.as_deref().map_or_else(|| "this client".into(), |name| format!("user `{name}`"));
    let reason = if reason.is_empty() { code.to_string() } else { one_line(reason) };
    let (kind, lasting, message) = match code {
        Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition => (
            "topic",
            true,
            format!("topic `{topic}` does not exist on {brokers}: create it, or correct `kafka.topic`"),
        ),
        Code::InvalidTopic => {
            ("topic", true, format!("the brokers refuse `{topic}` as a topic's name: correct `kafka.topic`"))
        }
        Code::TopicAuthorizationFailed => (
            "authorization",
            true,
            format!("{user} may not read topic `{topic}`: grant Read and Describe on it"),
        ),
        Code::GroupAuthorizationFailed => (
            "authorization",
            true,
            format!(
                "{user} may not use consumer group `{group}`: grant Read on it, or correct `kafka.group`"
            ),
        ),
        Code::ClusterAuthorizationFailed => {
            ("authorization", true, format!("{user} is not admitted to the cluster: {reason}"))
        }
        Code::Authentication
        | Code::SaslAuthenticationFailed
        | Code::UnsupportedSASLMechanism
        | Code::IllegalSASLState => (
            "authentication",
            true,
            format!(
                "{brokers} refused the login of {user}: check `kafka.username`, the password and \
                 `kafka.sasl_mechanism` ({}); {reason}",
                config.sasl_mechanism.as_str()
            ),
        ),
        Code::SSL => (
            "tls",
            true,
            format!(
                "TLS with {brokers} failed: check `kafka.ca_file`, that the certificate bears the broker's \
                 name, and that the port speaks TLS; {reason}"
            ),
        ),
        Code::Resolve => (
            "name",
            false,
            format!("the name of a broker cannot be resolved: check `kafka.brokers` ({brokers}); {reason}"),
        ),
        Code::BrokerTransportFailure | Code::AllBrokersDown | Code::OperationTimedOut => (
            "connection",
            false,
            format!(
                "no contact with {brokers}: check that the broker runs, that `kafka.brokers` is right and that \
                 `kafka.security` ({}) fits the port; {reason}",
                config.security.as_str()
            ),
        ),
        Code::PollExceeded => (
            "expelled",
            false,
            format!("the group expelled this member since it did not poll in time: {reason}"),
        ),
        _ => ("other", false, reason),
    };
    Fault { kind, message, lasting }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_settings_last_and_absent_brokers_do_not() {
        let config = KafkaConfig { brokers: vec!["k:9092".into()], ..KafkaConfig::default() };
        let lasting = |code| explain(code, "", &config).lasting;
        assert!(
            lasting(Code::UnknownTopicOrPartition) && lasting(Code::Authentication) && lasting(Code::SSL)
        );
        assert!(!lasting(Code::AllBrokersDown) && !lasting(Code::Resolve) && !lasting(Code::RequestTimedOut));
        insta::assert_snapshot!(
            explain(Code::AllBrokersDown, "1/1 brokers\nare down", &config).message,
            @"no contact with k:9092: check that the broker runs, that `kafka.brokers` is right and that `kafka.security` (plaintext) fits the port; 1/1 brokers are down"
        );
    }
}
