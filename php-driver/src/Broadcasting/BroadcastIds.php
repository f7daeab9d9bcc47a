<?php

namespace HmsSync\Broadcasting;

use HmsSync\Queue\RunningJobs;
use Illuminate\Broadcasting\BroadcastException;
use Illuminate\Contracts\Queue\Job;
use Stringable;
use Symfony\Component\Uid\Uuid;
use Symfony\Component\Uid\UuidV7;

/**
 * Gives every broadcast the id by which the bus recognizes it when it comes a second time.
 *
 * In this order: what the event's broadcastId() returns; in the queue job of the broadcast, an id made of that
 * job's uuid, which retries and queue:retry keep; inside any other queue job, one made of that job's uuid and of
 * the content; outside the queue a UUIDv7.
 */
class BroadcastIds
{
    /**
     * The namespace of the ids made of job uuids (RFC 9562, section 5.5). It must never change.
     */
    protected const NAMESPACE = '6f0c1f0e-3f1b-4c5e-9d55-8a3b7a2f4c11';

    /**
     * Create a new instance.
     */
    public function __construct(protected RunningJobs $jobs)
    {
        //
    }

    /**
     * Get the id of one broadcast.
     *
     * @param  string  $channels  JSON text of the channel names
     * @param  string  $data  JSON text of the payload
     *
     * @throws \Illuminate\Broadcasting\BroadcastException when broadcastId() returns what is no id
     */
    public function for(BroadcastContext $context, string $channels, string $event, string $data): string
    {
        return $this->given($context->event) ?? (
            $context->ids["{$channels}\n{$event}\n{$data}"] ??= $this->ofJob($context->job, $channels, $event, $data) ?? UuidV7::generate()
        );
    }

    /**
     * Get the id the event gives itself.
     */
    protected function given(?object $event): ?string
    {
        if ($event === null || ! method_exists($event, 'broadcastId')) {
            return null;
        }

        $id = $event->broadcastId();

        return $id === null ? null : $this->check($event, $id);
    }

    /**
     * Make an id of the job this process is running, if it is running one that has a uuid.
     *
     * The content keeps a retry that skips one broadcast from giving its id to the next one. The counter tells
     * equal broadcasts of one run apart.
     */
    protected function ofJob(?Job $broadcastJob, string $channels, string $event, string $data): ?string
    {
        $job = $this->jobs->outermost() ?? $broadcastJob;

        if (! $uuid = $job?->uuid()) {
            return null;
        }

        if ($job === $broadcastJob) {
            return $this->derive("broadcast\n{$uuid}");
        }

        $content = hash('sha256', serialize([$channels, $event, $data]));

        return $this->derive("inside\n{$uuid}\n{$content}\n{$this->jobs->occurrence($content)}");
    }

    /**
     * Make a UUIDv5.
     */
    protected function derive(string $name): string
    {
        return Uuid::v5(Uuid::fromString(self::NAMESPACE), $name)->toRfc4122();
    }

    /**
     * Refuse what the bus would reject later, where the developer sees it.
     */
    protected function check(object $event, mixed $id): string
    {
        if ((is_scalar($id) || $id instanceof Stringable) && Name::isValid((string) $id, Name::MAX_ID)) {
            return (string) $id;
        }

        throw new BroadcastException(sprintf(
            'HMS-Sync: %s::broadcastId() returned %s. Return a text of 1 to %d bytes without control characters '.
            'that is the same whenever this event is broadcast again, or null to have an id made.',
            Name::shown($event::class),
            is_scalar($id) ? '['.Name::shown((string) $id).']' : get_debug_type($id),
            Name::MAX_ID
        ));
    }
}
