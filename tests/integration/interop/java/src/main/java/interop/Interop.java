package interop;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.message.BinaryMessageDecoder;
import org.apache.avro.message.BinaryMessageEncoder;
import org.apache.avro.message.SchemaStore;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Reads a topic of ours, or publishes one event, as any Java shop would: Apache's Kafka client, Apache Avro's
 * single-object decoder and encoder, and the schemas topic as the schema store.
 *
 * <pre>
 * Interop read BOOTSTRAP SCHEMAS_TOPIC TOPIC            prints "name id" per record
 * Interop publish BOOTSTRAP SCHEMAS_TOPIC TOPIC KEY SCHEMA_FILE JSON_FILE
 * </pre>
 */
public final class Interop {
  private Interop() {}

  public static void main(String[] arguments) throws Exception {
    if (arguments[0].equals("read")) {
      read(arguments[1], arguments[2], arguments[3]);
    } else {
      publish(arguments);
    }
  }

  private static void read(String bootstrap, String schemasTopic, String topic) {
    SchemaStore.Cache store = new SchemaStore.Cache();
    Map<Long, Schema> schemas = new HashMap<>();
    forEach(bootstrap, schemasTopic, record -> {
      Schema schema = new Schema.Parser().parse(new String(record.value()));
      store.addSchema(schema);
      long fingerprint = SchemaNormalization.parsingFingerprint64(schema);
      long key = ByteBuffer.wrap(record.key()).order(ByteOrder.LITTLE_ENDIAN).getLong();
      if (fingerprint != key) {
        throw new IllegalStateException("the key of " + schema.getFullName() + " is not its fingerprint");
      }
      schemas.put(fingerprint, schema);
    });
    forEach(bootstrap, topic, record -> {
      long fingerprint = ByteBuffer.wrap(record.value(), 2, 8).order(ByteOrder.LITTLE_ENDIAN).getLong();
      BinaryMessageDecoder<GenericRecord> decoder =
          new BinaryMessageDecoder<>(GenericData.get(), schemas.get(fingerprint), store);
      try {
        GenericRecord event = decoder.decode(record.value());
        System.out.println(event.getSchema().getFullName() + " " + ((GenericRecord) event.get("meta")).get("id"));
      } catch (java.io.IOException error) {
        throw new IllegalStateException(error);
      }
    });
  }

  private static void publish(String[] arguments) throws Exception {
    String text = Files.readString(Path.of(arguments[5]));
    Schema schema = new Schema.Parser().parse(text);
    GenericRecord event = new GenericDatumReader<GenericRecord>(schema)
        .read(null, DecoderFactory.get().jsonDecoder(schema, Files.readString(Path.of(arguments[6]))));
    ByteBuffer encoded = new BinaryMessageEncoder<GenericRecord>(GenericData.get(), schema).encode(event);
    byte[] value = new byte[encoded.remaining()];
    encoded.get(value);
    byte[] fingerprint = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN)
        .putLong(SchemaNormalization.parsingFingerprint64(schema)).array();
    Map<String, Object> settings = Map.of(
        "bootstrap.servers", arguments[1],
        "key.serializer", ByteArraySerializer.class,
        "value.serializer", ByteArraySerializer.class);
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings)) {
      producer.send(new ProducerRecord<>(arguments[2], fingerprint, text.getBytes())).get();
      producer.send(new ProducerRecord<>(arguments[3], arguments[4].getBytes(), value)).get();
    }
  }

  private static void forEach(String bootstrap, String topic, Consumer<ConsumerRecord<byte[], byte[]>> action) {
    Map<String, Object> settings = Map.of(
        "bootstrap.servers", bootstrap,
        "key.deserializer", ByteArrayDeserializer.class,
        "value.deserializer", ByteArrayDeserializer.class);
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings)) {
      List<TopicPartition> partitions = new ArrayList<>();
      consumer.partitionsFor(topic).forEach(one -> partitions.add(new TopicPartition(topic, one.partition())));
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      while (partitions.stream().anyMatch(one -> consumer.position(one) < ends.get(one))) {
        consumer.poll(Duration.ofSeconds(1)).forEach(action);
      }
    }
  }
}
