//! A real Apache Kafka broker (`KRaft`, broker and controller in one process) on loopback.
//!
//! ```ignore
//! let mut broker = Broker::start();               // or Broker::shared() for tests that do not stop it
//! broker.create_topic("complaints", 3);
//! broker.produce("complaints", 0, ["{...}"]);
//! broker.kill();                                  // kill -9
//! broker.restart();                               // same ports, same data
//! ```
//! Its files are in a temporary folder; it dies with the value, and also when the test process does.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use super::free_port;

/// Passwords of the users that the secure listener knows. `alice` may do everything, `bob` may log
/// in but read nothing.
pub(crate) const USERS: [(&str, &str); 2] = [("alice", "alice-secret"), ("bob", "bob-secret")];

/// How long the broker may take to answer; starting a JVM on a busy machine is slow.
const PATIENCE: Duration = Duration::from_mins(2);

/// A running (or stopped) broker.
pub(crate) struct Broker {
    folder: tempfile::TempDir,
    port: u16,
    controller: u16,
    secure: Option<u16>,
    process: Option<Process>,
}

struct Process {
    java: Child,
    guard: Child,
    // Held so that the guard sees its end when this process dies.
    _line: ChildStdin,
}

impl Broker {
    /// Starts a broker without encryption or authentication.
    pub(crate) fn start() -> Self {
        Self::launch(false)
    }

    /// Starts a broker that has a second listener with TLS and SASL (SCRAM-SHA-256, SCRAM-SHA-512
    /// and PLAIN), at [`secure_address`](Self::secure_address).
    pub(crate) fn start_secure() -> Self {
        Self::launch(true)
    }

    /// One plain broker for all tests that only need topics of their own. It lives as long as
    /// anybody holds it.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Broker>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let broker = Arc::new(Self::start());
            *shared = Arc::downgrade(&broker);
            broker
        })
    }

    fn launch(secure: bool) -> Self {
        let folder = tempfile::Builder::new().prefix("fenghuo-kafka-").tempdir().unwrap();
        let mut broker = Self {
            port: free_port(),
            controller: free_port(),
            secure: secure.then(free_port),
            process: None,
            folder,
        };
        if secure {
            broker.make_certificates();
        }
        fs::write(broker.properties_file(), broker.properties()).unwrap();
        broker.format();
        broker.restart();
        broker
    }

    /// `host:port` of the plain listener.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// `host:port` of the TLS and SASL listener.
    pub(crate) fn secure_address(&self) -> String {
        format!("127.0.0.1:{}", self.secure.expect("started with start_secure"))
    }

    /// The certificate authority that signed the broker's certificate.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Stops it in good order (SIGTERM) and waits for its end.
    pub(crate) fn stop(&mut self) {
        if let Some(process) = &self.process {
            let _ = Command::new("kill").arg(process.java.id().to_string()).status();
        }
        self.end(false);
    }

    /// Kills it (SIGKILL) and waits for its end.
    pub(crate) fn kill(&mut self) {
        self.end(true);
    }

    /// Starts it again, on the same ports and data, and waits until it answers.
    pub(crate) fn restart(&mut self) {
        assert!(self.process.is_none(), "stop it first");
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log_file()).unwrap();
        let mut java = java()
            .args(["-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
            .args(["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "kafka.Kafka"])
            .arg(self.properties_file())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("java runs");
        // Kills the broker when this process ends in whatever way, since its input ends then.
        let mut guard = Command::new("sh")
            .args(["-c", &format!("read _; kill -9 {}", java.id())])
            .stdin(Stdio::piped())
            .spawn()
            .expect("sh runs");
        let line = guard.stdin.take().expect("piped");
        let end = Instant::now() + PATIENCE;
        let metadata: BaseConsumer = self.client().create().unwrap();
        loop {
            let is_open = TcpStream::connect(("127.0.0.1", self.port)).is_ok();
            if is_open && metadata.fetch_metadata(None, Duration::from_secs(2)).is_ok() {
                break;
            }
            let ended = java.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < end, "the broker did not start:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(100));
        }
        self.process = Some(Process { java, guard, _line: line });
    }

    /// What the broker has logged (warnings and errors).
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Makes a topic and waits until it can be used.
    pub(crate) fn create_topic(&self, topic: &str, partitions: i32) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().unwrap();
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let made = block_on(admin.create_topics([&new], &AdminOptions::new())).unwrap();
        assert_eq!(made, [Ok(topic.to_owned())]);
        let consumer: BaseConsumer = self.client().create().unwrap();
        super::wait_until("the topic's leaders", || {
            (0..partitions).all(|p| consumer.fetch_watermarks(topic, p, Duration::from_secs(5)).is_ok())
        });
    }

    /// Deletes the records of a partition below `offset`, as retention would.
    pub(crate) fn delete_records(&self, topic: &str, partition: i32, offset: i64) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(offset)).unwrap();
        block_on(admin.delete_records(&list, &AdminOptions::new())).unwrap();
    }

    /// Writes values to one partition, in order, and waits until the broker has them.
    pub(crate) fn produce<V: AsRef<[u8]>>(
        &self,
        topic: &str,
        partition: i32,
        values: impl IntoIterator<Item = V>,
    ) {
        let producer: BaseProducer = self.client().set("enable.idempotence", "true").create().unwrap();
        for value in values {
            let record = BaseRecord::<(), [u8]>::to(topic).partition(partition).payload(value.as_ref());
            producer.send(record).map_err(|(error, _)| error).unwrap();
            producer.poll(Duration::ZERO);
        }
        producer.flush(PATIENCE).unwrap();
    }

    /// Writes a record without a value.
    pub(crate) fn produce_tombstone(&self, topic: &str, partition: i32) {
        let producer: BaseProducer = self.client().create().unwrap();
        let record = BaseRecord::<str, [u8]>::to(topic).partition(partition).key("gone");
        producer.send(record).map_err(|(error, _)| error).unwrap();
        producer.flush(PATIENCE).unwrap();
    }

    /// Writes values in one transaction, which leaves a mark after them; `commit` or take back.
    pub(crate) fn produce_in_transaction(&self, topic: &str, partition: i32, values: &[&str], commit: bool) {
        let producer: BaseProducer = self.client().set("transactional.id", topic).create().unwrap();
        producer.init_transactions(PATIENCE).unwrap();
        producer.begin_transaction().unwrap();
        for value in values {
            let record = BaseRecord::<(), str>::to(topic).partition(partition).payload(value);
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(PATIENCE).unwrap();
        if commit {
            producer.commit_transaction(PATIENCE).unwrap();
        } else {
            producer.abort_transaction(PATIENCE).unwrap();
        }
    }

    /// The offset that a group has written for a partition.
    pub(crate) fn group_offset(&self, group: &str, topic: &str, partition: i32) -> Option<i64> {
        let consumer: BaseConsumer = self.client().set("group.id", group).create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition(topic, partition);
        let found = consumer.committed_offsets(list, Duration::from_secs(10)).ok()?;
        match found.elements().first()?.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        }
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.address());
        config.set_log_level(rdkafka::config::RDKafkaLogLevel::Emerg);
        config
    }

    fn properties_file(&self) -> PathBuf {
        self.folder.path().join("server.properties")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("broker.log")
    }

    fn properties(&self) -> String {
        let folder = self.folder.path().display();
        let (port, controller) = (self.port, self.controller);
        let (mut listeners, mut kinds) = (format!("PLAIN://127.0.0.1:{port}"), "PLAIN:PLAINTEXT".to_owned());
        if let Some(secure) = self.secure {
            let _ = write!(listeners, ",SECURE://127.0.0.1:{secure}");
            kinds += ",SECURE:SASL_SSL";
        }
        let mut text = format!(
            "process.roles=broker,controller\n\
             node.id=1\n\
             controller.quorum.voters=1@127.0.0.1:{controller}\n\
             listeners={listeners},CONTROL://127.0.0.1:{controller}\n\
             advertised.listeners={listeners}\n\
             listener.security.protocol.map={kinds},CONTROL:PLAINTEXT\n\
             inter.broker.listener.name=PLAIN\n\
             controller.listener.names=CONTROL\n\
             log.dirs={folder}/data\n\
             auto.create.topics.enable=false\n\
             group.initial.rebalance.delay.ms=0\n\
             offsets.topic.replication.factor=1\n\
             offsets.topic.num.partitions=1\n\
             transaction.state.log.replication.factor=1\n\
             transaction.state.log.min.isr=1\n\
             transaction.state.log.num.partitions=1\n\
             num.network.threads=2\n\
             num.io.threads=2\n"
        );
        if self.secure.is_some() {
            let plain_users = USERS.map(|(user, password)| format!("user_{user}=\"{password}\"")).join(" ");
            let login = "org.apache.kafka.common.security";
            let _ = write!(
                text,
                "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
                 super.users=User:ANONYMOUS;User:alice\n\
                 ssl.keystore.type=PEM\n\
                 ssl.keystore.location={folder}/broker.pem\n\
                 listener.name.secure.sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,PLAIN\n\
                 listener.name.secure.scram-sha-256.sasl.jaas.config={login}.scram.ScramLoginModule required;\n\
                 listener.name.secure.scram-sha-512.sasl.jaas.config={login}.scram.ScramLoginModule required;\n\
                 listener.name.secure.plain.sasl.jaas.config={login}.plain.PlainLoginModule required {plain_users};\n"
            );
        }
        text
    }

    fn format(&self) {
        let mut command = java();
        command.args([
            "-Xmx128m",
            "-XX:TieredStopAtLevel=1",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        ]);
        command.args(["kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c"]);
        command.arg(self.properties_file());
        if self.secure.is_some() {
            for (user, password) in USERS {
                for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
                    command.arg("--add-scram");
                    command.arg(format!("{mechanism}=[name={user},password={password}]"));
                }
            }
        }
        run(&mut command);
    }

    fn make_certificates(&self) {
        let openssl = |arguments: &str| {
            let mut command = Command::new("openssl");
            run(command.args(arguments.split(' ')).current_dir(self.folder.path()));
        };
        make_ca(self.folder.path(), "ca");
        openssl(
            "req -newkey rsa:2048 -nodes -keyout broker.key -out broker.csr -subj /CN=broker -addext subjectAltName=IP:127.0.0.1",
        );
        openssl(
            "x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out broker.crt -days 2 -copy_extensions copy",
        );
        let read = |name| fs::read_to_string(self.folder.path().join(name)).unwrap();
        fs::write(self.folder.path().join("broker.pem"), read("broker.key") + &read("broker.crt")).unwrap();
    }

    fn end(&mut self, at_once: bool) {
        let Some(Process { mut java, mut guard, .. }) = self.process.take() else { return };
        // The guard first: after the broker's end its number could be somebody else's.
        let _ = guard.kill();
        let _ = guard.wait();
        let end = Instant::now() + PATIENCE;
        while !at_once && Instant::now() < end && java.try_wait().is_ok_and(|ended| ended.is_none()) {
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = java.kill();
        let _ = java.wait();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Makes a certificate authority: `NAME.pem` and `NAME.key` in `folder`.
pub(crate) fn make_ca(folder: &Path, name: &str) -> PathBuf {
    let mut command = Command::new("openssl");
    let pem = folder.join(format!("{name}.pem"));
    command.args([
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=test authority",
    ]);
    command.arg("-keyout").arg(folder.join(format!("{name}.key"))).arg("-out").arg(&pem);
    run(&mut command);
    pem
}

fn java() -> Command {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/kafka-classpath.txt");
    let classpath = fs::read_to_string(&list).unwrap_or_else(|_| {
        panic!("{} is missing: run ./tests/run, which fetches the Kafka broker", list.display())
    });
    let program =
        std::env::var("JAVA_HOME").map_or_else(|_| "java".into(), |home| format!("{home}/bin/java"));
    let mut command = Command::new(program);
    command.arg("-cp").arg(classpath.trim());
    command
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed:\n{text}");
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
