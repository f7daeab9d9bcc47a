<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Schema;

return new class extends Migration
{
    /**
     * The package brings this migration with it. A published copy has another date and finds the tables there.
     */
    public function up(): void
    {
        if (Schema::hasTable($this->table())) {
            return;
        }

        Schema::create($this->table(), function (Blueprint $table) {
            $table->id();

            // The entry of the intake stream, as it will be written there.
            $table->string('event_id', 256);
            $table->longText('channels');
            $table->string('event', 512);
            $table->longText('data');
            $table->string('time', 40);
            $table->string('source');
            $table->string('timezone');
            $table->text('origin');

            // Rows of one key are sent in the order of their ids.
            $table->string('order_key');

            // The Redis connection that leads to the bus, and where else the broadcast goes when the bus has it.
            $table->string('redis');
            $table->string('forward')->nullable();
            $table->string('socket')->nullable();

            // All in UTC. A row that Redis refused holds back its key until retry_at.
            $table->dateTime('created_at');
            $table->dateTime('relayed_at')->nullable();
            $table->dateTime('retry_at')->nullable()->index();
            $table->unsignedInteger('attempts')->default(0);
            $table->text('last_error')->nullable();

            $table->index(['relayed_at', 'id']);
        });

        // MySQL reads the unsent rows in their order from the index above, the others need one of their own.
        if (in_array(DB::connection()->getDriverName(), ['pgsql', 'sqlite'], true)) {
            $table = DB::connection()->getQueryGrammar()->wrapTable($this->table());
            $index = DB::connection()->getQueryGrammar()->wrap($this->table().'_unsent_index');

            DB::statement("create index {$index} on {$table} (id) where relayed_at is null");
        }

        Schema::create($this->table().'_locks', function (Blueprint $table) {
            $table->string('name', 64)->primary();
            $table->string('owner', 64);

            // Milliseconds since 1970 by the clock of the database.
            $table->bigInteger('until');
        });
    }

    public function down(): void
    {
        Schema::dropIfExists($this->table().'_locks');
        Schema::dropIfExists($this->table());
    }

    private function table(): string
    {
        return config('hms-sync.outbox.table', 'hms_sync_outbox');
    }
};
